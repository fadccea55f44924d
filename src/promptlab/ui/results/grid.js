// A table of texts from outside. Everything arrives as data and becomes textContent: nothing in it is ever HTML.
const THUMB = "M2 9h3v9H2zM6 9l4-7c1.5 0 2.3 1 2 2.6L11.5 8H17c1 0 1.7.9 1.5 1.9l-1.2 6.5c-.2.9-.9 1.6-1.9 1.6H6z"

function thumb(down) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg")
  svg.setAttribute("viewBox", "0 0 20 20")
  svg.setAttribute("aria-hidden", "true")
  if (down) svg.style.transform = "rotate(180deg)"
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path")
  path.setAttribute("d", THUMB)
  svg.append(path)
  return svg
}

function interval([low, mean, high]) {
  const line = document.createElement("span")
  line.className = "interval"
  line.setAttribute("aria-hidden", "true")
  const bar = document.createElement("span")
  bar.className = "bar"
  bar.style.left = `${100 * low}%`
  bar.style.width = `${100 * (high - low)}%`
  const dot = document.createElement("span")
  dot.className = "dot"
  dot.style.left = `${100 * mean}%`
  line.append(bar, dot)
  return line
}

// A part: {t: text, k: kind, a: what a click says, l: label for who does not see it, on: pressed}
function part(each, act) {
  if (each.k === "interval") return interval(each.v)
  const made = document.createElement(each.a ? "button" : "span")
  made.className = `part ${each.k ?? ""}`
  if (each.a) {
    made.type = "button"
    made.onclick = () => act(each.a)
  }
  if (each.l) {
    made.setAttribute("aria-label", each.l)
    made.title = each.l
  }
  if (each.on !== undefined) made.setAttribute("aria-pressed", String(each.on))
  if (each.k === "up" || each.k === "down") made.append(thumb(each.k === "down"))
  else if (each.s) {
    for (const [kind, text] of each.s) {
      const piece = document.createElement({ gone: "del", new: "ins", mark: "mark" }[kind] ?? "span")
      piece.textContent = text
      made.append(piece)
    }
  } else made.textContent = each.t
  made.dir = "auto"
  return made
}

function fill(place, lines, act) {
  for (const line of lines) {
    const row = document.createElement("div")
    row.className = "line"
    for (const each of line) row.append(part(each, act))
    place.append(row)
  }
}

export default function (component) {
  const { data, parentElement, setTriggerValue } = component
  const act = (what) => setTriggerValue("act", what)
  const table = document.createElement("table")
  table.setAttribute("aria-label", data.label)
  const head = table.createTHead().insertRow()
  for (const each of data.columns) {
    // The corner above the rows' names heads nothing.
    const cell = document.createElement(each.lines.some((line) => line.some((one) => one.t)) ? "th" : "td")
    if (cell.tagName === "TH") cell.scope = "col"
    if (each.number) cell.className = "number"
    if (each.width) cell.style.minWidth = cell.style.width = `min(${each.width}, 60vw)`
    fill(cell, each.lines, act)
    head.append(cell)
  }
  const body = table.createTBody()
  for (const row of data.rows) {
    const made = body.insertRow()
    row.forEach((lines, at) => {
      const first = at === 0 && data.named
      const cell = document.createElement(first ? "th" : "td")
      if (first) cell.scope = "row"
      if (data.columns[at].number) cell.className = "number"
      fill(cell, lines, act)
      made.append(cell)
    })
  }
  const frame = document.createElement("div")
  frame.className = "frame"
  frame.tabIndex = 0
  frame.setAttribute("role", "region")
  frame.setAttribute("aria-label", data.label)
  if (data.height) frame.style.maxHeight = data.height
  frame.append(table)
  const old = parentElement.querySelector(".frame")
  if (old) {
    const place = [old.scrollLeft, old.scrollTop]
    old.replaceWith(frame)
    if (data.same === old.dataset.same) [frame.scrollLeft, frame.scrollTop] = place
  } else parentElement.append(frame)
  frame.dataset.same = data.same
}
