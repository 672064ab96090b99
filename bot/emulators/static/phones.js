// The page of phones. Everything shown is set as text: messages are hostile.

const $ = (id) => document.getElementById(id);
const phones = new Map();
const rows = new Map();
let open = null; // the chat on the screen
let bubbles = new Map();
let editing = null;
let pinned = true; // the newest message is in sight
let search = "";
let found = 0;

const time = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long", year: "numeric" });
const CHANNELS = { telegram: ["TG", "Telegram"], whatsapp: ["WA", "WhatsApp"] };

function make(tag, className, text) {
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

const initials = (name) => name.trim().split(/\s+/).slice(0, 2).map((word) => [...word][0]?.toUpperCase() ?? "").join("") || "?";

async function call(path, body) {
  const options = body === undefined ? {} : { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const answer = await fetch(`api/${path}`, options);
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
}

const path = (key, action) => `phones/${encodeURIComponent(key)}${action ? `/${action}` : ""}`;

// The list

async function loadList() {
  const asked = search;
  const answer = await call(`phones?q=${encodeURIComponent(asked)}`);
  if (asked !== search) return;
  found = answer.found;
  phones.clear();
  for (const phone of answer.phones) phones.set(phone.key, phone);
  showList();
  rows.get(open?.key)?.scrollIntoView({ block: "nearest" });
}

function showList() {
  const sorted = [...phones.values()].sort((a, b) => (b.at ?? "").localeCompare(a.at ?? ""));
  const list = $("phones");
  for (const [key, row] of rows) if (!phones.has(key)) { row.remove(); rows.delete(key); }
  sorted.forEach((phone, position) => {
    const row = rowOf(phone);
    if (list.children[position] !== row) list.insertBefore(row, list.children[position] ?? null);
  });
  $("count").textContent = sorted.length < found
    ? `${sorted.length} of ${found} phones: search to see others`
    : `${sorted.length} ${sorted.length === 1 ? "phone" : "phones"}`;
}

function rowOf(phone) {
  const known = rows.get(phone.key) ?? make("li");
  rows.set(phone.key, known);
  const signature = JSON.stringify(phone);
  if (known.signature !== signature) {
    const button = known.firstChild ?? make("button", "row");
    button.type = "button";
    button.dataset.channel = phone.channel;
    button.dataset.key = phone.key;
    button.replaceChildren(...rowParts(phone));
    if (!known.firstChild) known.append(button);
    known.signature = signature;
  }
  known.firstChild.setAttribute("aria-current", String(open?.key === phone.key));
  return known;
}

function rowParts(phone) {
  const avatar = make("span", "avatar", initials(phone.name));
  avatar.setAttribute("aria-hidden", "true");
  const name = make("span", "name");
  const label = make("b", "", phone.name);
  label.dir = "auto";
  const tag = make("span", "tag", CHANNELS[phone.channel][0]);
  tag.title = CHANNELS[phone.channel][1];
  name.append(label, tag);
  const last = make("span", "last", phone.last || "No messages yet");
  last.dir = "auto";
  const mark = make("span", "mark");
  if (phone.blocked) mark.append(make("span", "blocked", "Blocked"));
  else if (phone.unread) {
    const dot = make("span", "unread", phone.unread > 99 ? "99+" : phone.unread);
    dot.append(make("span", "hidden", " unread"));
    mark.append(dot);
  }
  return [avatar, name, make("span", "time", phone.at ? time.format(new Date(phone.at)) : ""), last, mark];
}

// The chat

async function openChat(key) {
  try {
    const chat = await call(path(key));
    bubbles = new Map();
    $("messages").replaceChildren();
    stopEditing();
    showChat(chat);
    rows.get(key)?.scrollIntoView({ block: "nearest" });
    markRead(chat);
  } catch {
    location.hash = "";
  }
}

function closeChat() {
  open = null;
  document.body.classList.remove("chatting");
  $("phone").hidden = true;
  $("empty").hidden = false;
  document.title = "Phones (emulated)";
  showList();
}

function markRead(chat) {
  if (chat.unread && document.visibilityState === "visible") call(path(chat.key, "read"), {}).catch(() => {});
}

function showChat(chat) {
  const isNew = open?.key !== chat.key;
  open = chat;
  document.body.classList.add("chatting");
  document.title = `${chat.name} – Phones (emulated)`;
  $("empty").hidden = true;
  $("phone").hidden = false;
  $("phone").dataset.channel = chat.channel;
  $("sheet").dataset.channel = chat.channel;
  $("chat-avatar").textContent = initials(chat.name);
  $("chat-name").textContent = chat.name;
  $("chat-about").textContent = `${CHANNELS[chat.channel][1]} · ${chat.key.slice(chat.key.indexOf(":") + 1)} · ${chat.language}`;
  $("block").textContent = chat.blocked ? "Unblock" : "Block";
  showControls(chat);
  showMessages(chat, isNew);
  showList();
}

function showControls(chat) {
  const fresh = chat.channel === "telegram" && !chat.messages.length;
  $("composer").hidden = chat.blocked || fresh;
  $("start").hidden = chat.blocked || !fresh;
  $("unblock").hidden = !chat.blocked;
  $("notice").hidden = !chat.notice;
  $("notice").textContent = chat.notice;
  const keyboard = chat.channel === "telegram" && !chat.blocked ? replyKeyboard(chat) : [];
  $("keyboard").hidden = !keyboard.length;
  $("keyboard").replaceChildren(...keyboard);
}

function replyKeyboard(chat) {
  const last = chat.messages.findLast((message) => !message.mine);
  return inRows((last?.buttons ?? []).filter(isKeyboard), (button) => tapper(last, button));
}

const isKeyboard = (button) => ["reply", "contact", "location"].includes(button.kind);

function showMessages(chat, jump) {
  const list = $("messages");
  pinned = jump || list.scrollHeight - list.scrollTop - list.clientHeight < 80;
  const wanted = [];
  let before = "";
  for (const message of chat.messages) {
    const today = day.format(new Date(message.at));
    if (today !== before) wanted.push([`day ${today}`, today, () => make("li", "day", today)]);
    before = today;
    wanted.push([`message ${message.id}`, JSON.stringify(message), () => bubbleOf(chat, message, !jump)]);
  }
  const kept = new Map();
  wanted.forEach(([id, signature, build], position) => {
    let entry = bubbles.get(id);
    if (entry?.signature !== signature) {
      const node = build();
      entry?.node.replaceWith(node);
      entry = { node, signature };
    }
    kept.set(id, entry);
    if (list.children[position] !== entry.node) list.insertBefore(entry.node, list.children[position] ?? null);
  });
  while (list.children.length > wanted.length) list.lastChild.remove();
  bubbles = kept;
  if (pinned) toEnd();
}

const toEnd = () => { $("messages").scrollTop = $("messages").scrollHeight; };

function bubbleOf(chat, message, isNew) {
  const item = make("li", `message${message.mine ? " mine" : ""}${isNew ? " new" : ""}`);
  const bubble = make("div", "bubble");
  bubble.append(make("span", "hidden", message.mine ? "You: " : "Bot: "));
  if (message.media) bubble.append(mediaOf(message.media));
  if (message.location) bubble.append(placeOf(message.location));
  if (message.text) {
    const text = make("div", "text", message.text);
    text.dir = "auto";
    if (!message.mine) text.lang = chat.language;
    bubble.append(text);
  }
  bubble.append(metaOf(chat, message));
  item.append(bubble);
  const buttons = buttonsOf(chat, message);
  if (buttons) item.append(buttons);
  return item;
}

function mediaOf(media) {
  if (media.is_picture) {
    const picture = make("img");
    picture.src = media.url;
    picture.alt = media.name || "Picture";
    picture.addEventListener("load", () => { if (pinned) toEnd(); });
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

function metaOf(chat, message) {
  const meta = make("div", "meta");
  if (message.mine && message.text && chat.channel === "telegram" && !chat.blocked) {
    const edit = make("button", "edit", "Edit");
    edit.type = "button";
    edit.addEventListener("click", () => startEditing(message));
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

function buttonsOf(chat, message) {
  const shown = chat.channel === "telegram" ? message.buttons.filter((button) => !isKeyboard(button)) : message.buttons;
  if (!shown.length) return null;
  const group = make("div", "buttons");
  if (shown[0].kind === "item") {
    const opener = make("button");
    opener.type = "button";
    opener.append(icon("M4 7h16M4 12h16M4 17h10"), make("span", "", message.menu || "Choose"));
    opener.addEventListener("click", () => openSheet(message));
    group.append(opener);
  } else group.append(...inRows(shown, (button) => (button.kind === "url" ? linkOf(button) : tapper(message, button))));
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

function tapper(message, button) {
  const element = make("button", "", button.label);
  element.type = "button";
  element.dir = "auto";
  element.addEventListener("click", () => act("tap", { message: message.id, button: button.id }));
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

function openSheet(message) {
  $("sheet-title").textContent = message.menu || "Choose";
  $("sheet-items").replaceChildren(...message.buttons.map((button) => {
    const item = make("li");
    const choice = make("button", "", button.label);
    choice.type = "button";
    if (button.description) choice.append(make("span", "", button.description));
    choice.addEventListener("click", () => {
      $("sheet").close();
      act("tap", { message: message.id, button: button.id });
    });
    item.append(choice);
    return item;
  }));
  $("sheet").showModal();
}

// What the owner of the phone does

async function act(action, body = {}) {
  const { key } = open;
  try {
    const chat = await call(path(key, action), body);
    if (open?.key === key) showChat(chat);
  } catch {
    if (open?.key === key) { $("notice").textContent = "That did not work"; $("notice").hidden = false; }
  }
}

function startEditing(message) {
  editing = message.id;
  $("editing").hidden = false;
  $("text").value = message.text;
  $("text").focus();
}

function stopEditing() {
  editing = null;
  $("editing").hidden = true;
  $("text").value = "";
}

$("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = $("text").value.trim();
  if (!text) return;
  const message = editing;
  stopEditing();
  if (message) act("edit", { message, text });
  else act("send", { text });
});

$("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    $("composer").requestSubmit();
  }
  if (event.key === "Escape" && editing) stopEditing();
});

$("phones").addEventListener("click", (event) => {
  const row = event.target.closest("[data-key]");
  if (row) location.hash = encodeURIComponent(row.dataset.key);
});
$("edit-cancel").addEventListener("click", stopEditing);
$("back").addEventListener("click", () => { location.hash = ""; });
$("start").addEventListener("click", () => act("start"));
$("block").addEventListener("click", () => act(open.blocked ? "unblock" : "block"));
$("unblock").addEventListener("click", () => act("unblock"));
$("sheet-close").addEventListener("click", () => $("sheet").close());
$("sheet").addEventListener("click", (event) => { if (event.target === $("sheet")) $("sheet").close(); });

$("location").addEventListener("click", () => $("place").showModal());
$("place-cancel").addEventListener("click", () => $("place").close());
$("place-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const [latitude, longitude] = $("place-choice").value.split(",").map(Number);
  $("place").close();
  act("location", { latitude, longitude });
});

$("add-open").addEventListener("click", () => { $("add-error").textContent = ""; $("add").showModal(); });
$("add-cancel").addEventListener("click", () => $("add").close());
$("add-form").addEventListener("change", () => {
  const needsNumber = $("add-form").elements.channel.value === "whatsapp";
  $("add-number-row").hidden = !needsNumber;
  $("add-number").required = needsNumber;
});
$("add-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    const phone = await call("phones", Object.fromEntries(new FormData($("add-form"))));
    $("add").close();
    $("add-form").reset();
    $("add-number-row").hidden = true;
    $("add-number").required = false;
    location.hash = encodeURIComponent(phone.key);
  } catch {
    $("add-error").textContent = "A number has 6 to 15 digits.";
  }
});

let typing = 0;
$("search").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => { search = $("search").value.trim(); loadList(); }, 150);
});

function follow() {
  const key = decodeURIComponent(location.hash.slice(1));
  if (key) openChat(key);
  else closeChat();
}
addEventListener("hashchange", follow);
document.addEventListener("visibilitychange", () => { if (open) markRead(open); });

// Live news

async function refreshChat() {
  const { key } = open;
  const chat = await call(path(key));
  if (open?.key === key) { showChat(chat); markRead(chat); }
}

const events = new EventSource("api/events");
events.addEventListener("message", (event) => {
  for (const phone of JSON.parse(event.data)) {
    if (!phones.has(phone.key)) {
      if (search || phones.size >= 200) continue;
      found += 1;
    }
    phones.set(phone.key, phone);
    if (open?.key === phone.key) refreshChat();
  }
  showList();
});
events.addEventListener("open", () => { loadList(); if (open) refreshChat(); });

follow();
