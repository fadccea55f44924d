// Tells the browser the page's language, and under 中文 exchanges Streamlit's own words (WORDS, put before this file).
// Only a whole known word in its own place is exchanged, as text: nothing is read as HTML, and what a model or a data
// file wrote is left alone. Back in English, what was exchanged is exchanged back.
const ATTRIBUTES = ["aria-label", "title", "placeholder", "data-title"];
const EVERYWHERE = Object.keys(WORDS).join(", ");

// [from, to] with {} for what differs: a function that gives the other text, or null.
const exchange = (pairs) => {
  const whole = new Map(pairs);
  const patterns = pairs.filter(([from]) => from.includes("{}")).map(([from, to]) => {
    const parts = from.split("{}").map((part) => part.replace(/[.*+?^$()|[\]\\]/g, "\\$&"));
    return [new RegExp(`^${parts.join("([^]+?)")}$`, "u"), to];
  });
  return (text) => {
    if (whole.has(text)) return whole.get(text);
    for (const [pattern, to] of patterns) {
      const found = pattern.exec(text);
      if (found) return found.slice(1).reduce((told, part) => told.replace("{}", () => part), to);
    }
    return null;
  };
};
const places = (turned) =>
  Object.entries(WORDS).map(([selector, words]) => [
    selector,
    exchange(Object.entries(words).map(([english, chinese]) => (turned ? [chinese, english] : [english, chinese]))),
  ]);
const CHINESE = places(false);

const inPlace = (element, all) => {
  for (const [selector, exchanged] of all) {
    if (!element.matches(selector)) continue;
    for (const name of ATTRIBUTES) {
      const other = element.hasAttribute(name) ? exchanged(element.getAttribute(name)) : null;
      if (other !== null) element.setAttribute(name, other);
    }
    for (const node of element.childNodes) {
      const other = node.nodeType === Node.TEXT_NODE ? exchanged(node.data.trim()) : null;
      if (other !== null) node.data = other;
    }
  }
};
const within = (root, all) => {
  if (root.matches(EVERYWHERE)) inPlace(root, all);
  for (const element of root.querySelectorAll(EVERYWHERE)) inPlace(element, all);
};
const observer = new MutationObserver((changes) => {
  for (const { type, target, addedNodes } of changes) {
    if (type === "attributes") inPlace(target, CHINESE);
    else if (type === "characterData") {
      if (target.parentElement) inPlace(target.parentElement, CHINESE);
    } else {
      for (const node of addedNodes) {
        if (node.nodeType === Node.ELEMENT_NODE) within(node, CHINESE);
        else if (node.nodeType === Node.TEXT_NODE) inPlace(target, CHINESE);
      }
    }
  }
});
const WATCHED = { subtree: true, childList: true, characterData: true, attributeFilter: ATTRIBUTES };
let chinese = false;

export default ({ data }) => {
  document.documentElement.lang = data;
  if (data.startsWith("zh") === chinese) return;
  chinese = !chinese;
  observer.disconnect();
  within(document.body, chinese ? CHINESE : places(true));
  if (chinese) observer.observe(document.body, WATCHED);
};
