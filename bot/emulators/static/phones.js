// The page of phones: the list, the open chat, what its owner does, and live news.

import { bubbleOf, initials, keyboardOf, make, time } from "./bubbles.js";

const $ = (id) => document.getElementById(id);
const phones = new Map();
const rows = new Map();
let open = null; // the chat on the screen
let bubbles = new Map();
let editing = null;
let pinned = true; // the newest message is in sight
let search = "";
let found = 0;

const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long", year: "numeric" });
const CHANNELS = { telegram: ["TG", "Telegram"], whatsapp: ["WA", "WhatsApp"] };

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
  const keyboard = chat.channel === "telegram" && !chat.blocked ? keyboardOf(chat, on) : [];
  $("keyboard").hidden = !keyboard.length;
  $("keyboard").replaceChildren(...keyboard);
}

function showMessages(chat, jump) {
  const list = $("messages");
  pinned ||= jump;
  const wanted = [];
  let before = "";
  for (const message of chat.messages) {
    const today = day.format(new Date(message.at));
    if (today !== before) wanted.push([`day ${today}`, today, () => make("li", "day", today)]);
    before = today;
    wanted.push([`message ${message.id}`, JSON.stringify(message), () => bubbleOf(chat, message, !jump, on)]);
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
const nearEnd = (list) => list.scrollHeight - list.scrollTop - list.clientHeight < 80;
$("messages").addEventListener("scroll", () => { if (!resized()) pinned = nearEnd($("messages")); });
// A narrower screen makes messages longer, and a keyboard leaves less room: the newest stays in sight.
let size = "";
const measured = () => `${$("messages").clientWidth} ${$("messages").clientHeight}`;
const resized = () => size !== measured();
new ResizeObserver(() => { size = measured(); if (pinned) toEnd(); }).observe($("messages"));

function openSheet(message) {
  $("sheet-title").textContent = message.menu || "Choose";
  $("sheet-items").replaceChildren(...message.buttons.map((button) => {
    const item = make("li");
    const choice = make("button", "", button.label);
    choice.type = "button";
    if (button.description) choice.append(make("span", "", button.description));
    choice.addEventListener("click", () => {
      $("sheet").close();
      tap(message, button);
    });
    item.append(choice);
    return item;
  }));
  $("sheet").showModal();
}

// What the owner of the phone does

const tap = (message, button) => act("tap", { message: message.id, button: button.id });
const on = { tap, edit: startEditing, list: openSheet, pictureLoaded: () => { if (pinned) toEnd(); } };

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
