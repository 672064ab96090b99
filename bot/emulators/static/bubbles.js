// How messages look. Everything is set as text: messages are hostile. What a touch does is the caller's: `on` has
// tap(message, button), edit(message), list(message) and pictureLoaded().

export const time = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

export function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

function icon(path) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const shape = document.createElementNS("http://www.w3.org/2000/svg", "path");
  shape.setAttribute("d", path);
  svg.append(shape);
  return svg;
}

export const initials = (name) => name.trim().split(/\s+/).slice(0, 2).map((word) => [...word][0]?.toUpperCase() ?? "").join("") || "?";

export function bubbleOf(chat, message, isNew, on) {
  const item = make("li", `message${message.mine ? " mine" : ""}${isNew ? " new" : ""}`);
  const bubble = make("div", "bubble");
  bubble.append(make("span", "hidden", message.mine ? "You: " : "Bot: "));
  if (message.media) bubble.append(mediaOf(message.media, on));
  if (message.location) bubble.append(placeOf(message.location));
  if (message.text) {
    const text = make("div", "text", message.text);
    text.dir = "auto";
    if (!message.mine) text.lang = chat.language;
    bubble.append(text);
  }
  bubble.append(metaOf(chat, message, on));
  item.append(bubble);
  const buttons = buttonsOf(chat, message, on);
  if (buttons) item.append(buttons);
  return item;
}

function mediaOf(media, on) {
  if (media.is_picture) {
    const picture = make("img");
    picture.src = media.url;
    picture.alt = media.name || "Picture";
    picture.addEventListener("load", on.pictureLoaded);
    picture.addEventListener("error", () => picture.replaceWith(fileOf(media)));
    return picture;
  }
  return fileOf(media);
}

function fileOf(media) {
  const link = make("a", "file");
  link.href = safeLink(media.url);
  link.rel = "noopener noreferrer";
  link.append(icon("M6 3h8l4 4v14H6zM14 3v5h4"), make("span", "", media.name || "File"));
  return link;
}

function placeOf([latitude, longitude]) {
  const place = make("div", "file");
  const pin = icon("M12 21s-6.5-5.7-6.5-11a6.5 6.5 0 0 1 13 0c0 5.3-6.5 11-6.5 11z");
  place.append(pin, make("span", "", `${latitude.toFixed(3)}, ${longitude.toFixed(3)}`));
  return place;
}

function metaOf(chat, message, on) {
  const meta = make("div", "meta");
  if (message.mine && message.text && chat.channel === "telegram" && !chat.blocked) {
    const edit = make("button", "edit", "Edit");
    edit.type = "button";
    edit.addEventListener("click", () => on.edit(message));
    meta.append(edit);
  }
  if (message.edited) meta.append(make("span", "", "edited"));
  meta.append(make("span", "", time.format(new Date(message.at))));
  if (message.mine) {
    const state = ["", "Sent", "Taken by the bot", "Answered"][message.ticks];
    const ticks = make("span", `ticks${message.ticks === 3 ? " read" : ""}`, message.ticks > 1 ? "✓✓" : "✓");
    ticks.setAttribute("role", "img");
    ticks.setAttribute("aria-label", state);
    ticks.title = state;
    meta.append(ticks);
  }
  return meta;
}

function buttonsOf(chat, message, on) {
  const shown = chat.channel === "telegram" ? message.buttons.filter((button) => !isKeyboard(button)) : message.buttons;
  if (!shown.length) return null;
  const group = make("div", "buttons");
  if (shown[0].kind === "item") {
    const opener = make("button");
    opener.type = "button";
    opener.append(icon("M4 7h16M4 12h16M4 17h10"), make("span", "", message.menu || "Choose"));
    opener.addEventListener("click", () => on.list(message));
    group.append(opener);
  } else group.append(...inRows(shown, (button) => (button.kind === "url" ? linkOf(button) : tapper(message, button, on))));
  return group;
}

function inRows(buttons, build) {
  const lines = new Map();
  for (const button of buttons) {
    if (!lines.has(button.row)) lines.set(button.row, make("div", "together"));
    lines.get(button.row).append(build(button));
  }
  return [...lines.values()];
}

function tapper(message, button, on) {
  const element = make("button", "", button.label);
  element.type = "button";
  element.dir = "auto";
  element.addEventListener("click", () => on.tap(message, button));
  return element;
}

const safeLink = (url) => (/^(https?:|api\/)/.test(url) ? url : "#");

function linkOf(button) {
  const link = make("a", "", button.label);
  link.href = safeLink(button.id);
  link.target = "_blank";
  link.rel = "noopener noreferrer";
  return link;
}

export function keyboardOf(chat, on) {
  const last = chat.messages.findLast((message) => !message.mine);
  return inRows((last?.buttons ?? []).filter(isKeyboard), (button) => tapper(last, button, on));
}

const isKeyboard = (button) => ["reply", "contact", "location"].includes(button.kind);
