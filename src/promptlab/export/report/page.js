// Puts the embedded data into the page. Text from files and models is only ever textContent.
"use strict";
(() => {
  const PAGE = 20; // samples shown at a time
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const byId = (id) => document.getElementById(id);
  const facts = read("facts");
  const samples = read("sample-data");
  const leftOut = read("left-out");

  // Control and bidirectional signs would reorder or hide what stands beside them: they are spelled out.
  const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;
  const shown = (text) =>
    String(text).replace(/\r\n?/g, "\n")
      .replace(HIDDEN, (sign) => "\\u" + sign.charCodeAt(0).toString(16).padStart(4, "0"));

  function make(tag, text, className) {
    const node = document.createElement(tag);
    if (text !== undefined && text !== null) node.textContent = shown(text);
    if (className) node.className = className;
    return node;
  }
  const number = (value) =>
    value === null || value === undefined ? "-" : value.toFixed(facts.digits).replace(/^-(0\.?0*)$/, "$1");
  const count = (value) => (value === null ? "unknown" : value.toLocaleString("en"));
  const joined = (value) => (Array.isArray(value) ? value.join(" | ") : value);

  function table(columns, rows) {
    const node = make("table");
    const head = node.createTHead().insertRow();
    for (const [name, right] of columns) head.append(make("th", name, right ? "number" : ""));
    const body = node.createTBody();
    for (const row of rows) {
      const line = body.insertRow();
      row.forEach((value, index) => {
        const cell = line.insertCell();
        if (columns[index][1]) cell.className = "number";
        cell.append(value instanceof Node ? value : shown(value));
      });
    }
    return node;
  }

  function score(cell, name) {
    const found = cell.scores[name];
    const node = make("span");
    const best = cell.best.includes(name);
    node.append(make(best ? "strong" : "span", number(found.mean)));
    if (best) node.append(make("span", " ★", "good"));
    else if (cell.ahead.includes(name)) node.append(make("span", " ▲", "good"));
    if (found.ci_low !== null) {
      node.append(make("span", ` [${number(found.ci_low)}, ${number(found.ci_high)}]${cell.rough.includes(name) ? "~" : ""}`, "dim"));
    }
    return node;
  }

  function failures(cell) {
    return ["unparsed", "refused", "truncated", "sandbox", "errors"]
      .filter((kind) => cell[kind]).map((kind) => `${count(cell[kind])} ${kind}`).join(", ");
  }

  function comparison() {
    document.title = `${shown(facts.experiment)} · promptlab`;
    byId("title").textContent = shown(facts.experiment);
    const models = new Set(facts.cells.map((cell) => cell.model));
    const datasets = new Set(facts.cells.map((cell) => cell.dataset));
    const shared = [...(models.size === 1 ? models : []), ...(datasets.size === 1 ? datasets : [])].join(" on ");
    const pending = facts.pending ? `, ${count(facts.pending)} trials pending` : "";
    byId("subtitle").textContent = shown(`${shared ? `${shared} · ` : ""}run ${facts.run} · ${facts.status}${pending}`);
    for (const sentence of facts.headline) byId("headline").append(make("li", sentence));
    for (const note of facts.notes) byId("notes").append(make("li", note));
    for (const judge of facts.judges) byId("judges").append(make("li", judge));
    const each = (cell, total) => (total === null || !cell.n ? "-" : count(Math.round(total / cell.n)));
    byId("cells").append(table(
      [["Variant"], ...(models.size > 1 ? [["Model"]] : []), ...(datasets.size > 1 ? [["Data set"]] : []), ...facts.scorers.map((name) => [name]), ["Trials", true],
        ["Failures"], ["Answered", true], ["Calls", true], ["Tokens", true], ["USD", true], ["Time", true]],
      facts.cells.map((cell) => [
        cell.shown, ...(models.size > 1 ? [cell.model] : []), ...(datasets.size > 1 ? [cell.dataset] : []), ...facts.scorers.map((name) => score(cell, name)),
        `${count(cell.n)}/${count(cell.planned)}`, failures(cell),
        number(cell.scores[facts.primary]?.mean_answered), cell.n ? (cell.calls / cell.n).toFixed(1) : "-",
        each(cell, cell.prompt_tokens === null || cell.completion_tokens === null
          ? null : cell.prompt_tokens + cell.completion_tokens),
        cell.cost_usd === null ? "unknown" : String(Number(cell.cost_usd.toPrecision(3))),
        cell.time,
      ])));
    byId("footing").textContent = shown(
      `${facts.footing} ★ beats every other variant, ▲ beats the baseline, after the correction. ${facts.totals}`);
    byId("pairs").append(facts.pairs.length
      ? table(
        [["a − b"], ["Score"], ["Difference", true], ["95 % interval"], ["n", true], ["p (Holm)", true], ["Verdict"]],
        facts.pairs.map((pair) => [
          pair.sides, pair.scorer, pair.diff, pair.bounds, count(pair.n), pair.p, pair.verdict]))
      : make("p", "No pair of cells is compared."));
  }

  function plots() {
    const place = byId("figures");
    if (typeof Plotly === "undefined") {
      place.append(make("p", "This report was made without plotly and has no plots.", "dim"));
      return;
    }
    const options = { responsive: true, displaylogo: false, showSendToCloud: false };
    for (const [name, figure] of Object.entries(facts.figures)) {
      const node = make("div", null, "figure");
      node.id = `figure-${name}`;
      place.append(node);
      Plotly.newPlot(node, figure.data, figure.layout, options);
    }
  }

  // ---- samples: filtered over the data, twenty of them in the page
  const variants = [...new Set(facts.places.map((place) => place[0]))];
  const chosen = new Set(variants);
  const primary = Math.max(0, facts.scorers.indexOf(facts.primary));
  let found = samples;
  let page = 0;

  function haystack(sample) {
    if (sample.words === undefined) {
      const parts = [sample.id, joined(sample.target) ?? "", ...Object.values(sample.inputs).map(text)];
      for (const trial of sample.trials) parts.push(joined(trial[3]) ?? "", trial[4] ?? "", trial[7] ?? "");
      sample.words = parts.join("\n").toLowerCase();
    }
    return sample.words;
  }
  const text = (value) => (typeof value === "string" ? value : JSON.stringify(value));

  function trialsOf(sample, model) {
    return sample.trials.filter((trial) => {
      const [variant, its] = facts.places[trial[0]];
      return chosen.has(variant) && (!model || its === model);
    });
  }

  function fits(sample, wanted) {
    if (wanted.dataset && sample.dataset !== wanted.dataset) return false;
    const trials = trialsOf(sample, wanted.model);
    if (!trials.length) return false;
    const scores = trials.map((trial) => trial[5][primary]).filter((value) => value !== null && value !== undefined);
    if (wanted.outcome === "differ" && new Set(scores).size < 2) return false;
    if (wanted.outcome === "wrong" && !scores.some((value) => value < 1)) return false;
    if (wanted.outcome === "failed" && !trials.some((trial) => trial[2] !== "ok")) return false;
    return !wanted.search || haystack(sample).includes(wanted.search);
  }

  function wanted() {
    const value = (id) => byId(id).value;
    return {
      search: value("search").toLowerCase(), dataset: value("dataset"), model: value("model"), outcome: value("outcome"),
    };
  }

  function filter() {
    const want = wanted();
    found = samples.filter((sample) => fits(sample, want));
    page = 0;
    show();
  }

  function reply(trial, repeats) {
    const [variant, model] = facts.places[trial[0]];
    const node = make("div", null, "reply");
    const models = new Set(facts.places.map((place) => place[1])).size > 1;
    node.append(make("h4", `${variant}${models ? ` · ${model}` : ""}${repeats ? ` · repeat ${trial[1] + 1}` : ""}`));
    const scored = facts.scorers.map((name, index) => {
      const value = trial[5][index];
      return value === null || value === undefined ? null : `${name} ${Number(value.toFixed(3))}`;
    }).filter(Boolean).join(", ");
    const value = trial[5][primary];
    const line = make("div", null, trial[2] !== "ok" || value < 1 ? "bad small" : "good small");
    const said = trial[2] === "ok" ? `answer: ${joined(trial[3]) ?? "none"}` : trial[2];
    line.textContent = shown(`${said}${scored ? ` · ${scored}` : ""} · trial ${trial[6]}`);
    node.append(line);
    node.append(make("pre", trial[2] === "error" ? trial[7] : trial[4] ?? trial[7] ?? ""));
    return node;
  }

  function card(sample, model) {
    const node = make("article");
    const question = make("div", null, "question");
    question.append(make("h3", `${sample.id} · ${sample.dataset}`));
    const list = make("dl");
    const rows = [...Object.entries(sample.inputs)];
    if (sample.choices) rows.push(["choices", sample.choices.join(" | ")]);
    rows.push(["target", sample.target === null ? "none" : joined(sample.target)]);
    for (const [name, value] of rows) list.append(make("dt", name), make("dd", text(value)));
    question.append(list);
    const replies = make("div", null, "replies");
    const repeats = sample.trials.some((trial) => trial[1] > 0);
    for (const trial of trialsOf(sample, model)) replies.append(reply(trial, repeats));
    node.append(question, replies);
    return node;
  }

  function show() {
    const start = page * PAGE;
    const end = Math.min(start + PAGE, found.length);
    const model = byId("model").value;
    byId("list").replaceChildren(...found.slice(start, end).map((sample) => card(sample, model)));
    const more = leftOut ? `; ${count(leftOut)} more were too many for this page` : "";
    byId("place").textContent = found.length
      ? `${count(start + 1)} to ${count(end)} of ${count(found.length)} samples (${count(samples.length)} in all${more})`
      : `no sample of ${count(samples.length)} fits${more}`;
    byId("back").disabled = page === 0;
    byId("next").disabled = end >= found.length;
  }

  function choices(id, names) {
    const node = byId(id);
    const all = make("option", "all");
    all.value = "";
    node.append(all);
    for (const name of names) {
      const option = make("option", name);
      option.value = name;
      node.append(option);
    }
    node.parentElement.hidden = names.length < 2;
  }

  function controls() {
    choices("dataset", [...new Set(facts.places.map((place) => place[2]))]);
    choices("model", [...new Set(facts.places.map((place) => place[1]))]);
    for (const name of variants) {
      const box = make("input");
      box.type = "checkbox";
      box.checked = true;
      box.addEventListener("change", () => {
        if (box.checked) chosen.add(name);
        else chosen.delete(name);
        filter();
      });
      const label = make("label");
      label.append(box, shown(name));
      byId("variants").append(label);
    }
    let soon = 0;
    byId("search").addEventListener("input", () => {
      clearTimeout(soon);
      soon = setTimeout(filter, 150);
    });
    for (const id of ["dataset", "model", "outcome"]) byId(id).addEventListener("change", filter);
    byId("filter").addEventListener("submit", (event) => event.preventDefault());
    const turn = (step) => {
      page += step;
      show();
      byId("samples").scrollIntoView();
    };
    byId("back").addEventListener("click", () => turn(-1));
    byId("next").addEventListener("click", () => turn(1));
  }

  // Before and after as a diff, then what was tried.
  function optimized() {
    if (!facts.optimized.length) {
      byId("optimized").remove();
      byId("to-optimized").remove();
      return;
    }
    for (const sentence of facts.searches) byId("searches").append(make("li", sentence));
    const signs = { "+": "added", "-": "removed" };
    for (const each of facts.optimized) {
      const details = make("details");
      details.append(make("summary", each.title));
      for (const line of each.ending) details.append(make("div", line, "small dim"));
      const diff = make("pre");
      for (const line of each.diff) diff.append(make("span", line, signs[line[0]]), "\n");
      details.append(diff);
      const scored = (value) => (value === null ? "-" : value.toFixed(3));
      const wide = make("div", null, "wide");
      wide.append(table(
        [["Step", true], ["Calls", true], ["Dev score", true], ["Rows", true], [""], ["Why"], ["Instruction"], ["Demos", true]],
        each.tried.map((row) => [
          row.step, count(row.calls_so_far), scored(row.score), row.n, row.accepted ? "accepted" : "rejected", row.why,
          make("span", row.instruction || "(none)", "told"), row.demos.length,
        ]),
      ));
      details.append(wide);
      byId("optimized-list").append(details);
    }
  }

  function prompts() {
    for (const prompt of facts.prompts) {
      const details = make("details");
      details.append(make("summary", prompt.title));
      for (const call of prompt.calls) {
        const node = make("div", null, "prompt");
        node.append(make("div", `call ${call.name} · ${call.sampling}`, "small dim"));
        for (const message of call.messages) {
          node.append(make("div", message.role, "small dim"), make("pre", message.content));
        }
        details.append(node);
      }
      byId("prompt-list").append(details);
    }
    byId("spec").textContent = shown(facts.spec);
    byId("manifest").textContent = shown(facts.manifest);
  }

  comparison();
  controls();
  show();
  optimized();
  prompts();
  plots();
})();
