// Help where there is script; every page works without it.
"use strict";

const fetched = async (address) => {
  const answer = await fetch(address, { headers: { Accept: "text/html" }, credentials: "same-origin" });
  if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
  return answer.text();
};

// Part of a page that the server draws anew until it says that nothing more will change.
const isFinal = (part) => part.querySelector("[data-final]") !== null;
const draw = (part, text) => {
  if (text !== part.dataset.seen) part.innerHTML = text;
  part.dataset.seen = text;
};
const ended = (part) => part.dataset.reload !== undefined && location.reload();

const ask = (part) => {
  const every = Number(part.dataset.every ?? 2) * 1000;
  let wait = every;
  const look = async () => {
    if (!document.hidden) {
      try {
        draw(part, await fetched(part.dataset.live));
        wait = every;
      } catch {
        wait = Math.min(wait * 2, 30000);
      }
    }
    if (!isFinal(part)) setTimeout(look, wait);
    else ended(part);
  };
  setTimeout(look, wait);
};

const listen = (part) => {
  const source = new EventSource(part.dataset.stream);
  source.onmessage = (event) => {
    draw(part, event.data);
    if (!isFinal(part)) return;
    source.close();
    ended(part);
  };
  // The browser comes again by itself, unless the server told it not to.
  source.onerror = () => source.readyState === EventSource.CLOSED && ask(part);
};

const follow = (part) => {
  if (isFinal(part)) return;
  if (part.dataset.stream && "EventSource" in window) listen(part);
  else ask(part);
};

const local = (number) => number.toLocaleString(document.documentElement.lang);

// Characters used, counted as the checks do: an emoji is two, and the lines that sending adds count.
const count = (area) => {
  const shown = document.getElementById(`${area.id}-count`);
  const limit = Number(area.dataset.limit);
  const show = () => {
    const risky = document.getElementById("purpose")?.value === "investment";
    const used = area.value.length && area.value.length + Number((risky ? area.dataset.addedRisk : area.dataset.added) ?? 0);
    shown.textContent = document.body.dataset.usedOf.replace("{used}", local(used)).replace("{limit}", local(limit));
    shown.classList.toggle("error", used > limit);
  };
  area.addEventListener("input", show);
  document.getElementById("purpose")?.addEventListener("change", show);
  show();
};

// The bubbles show what is typed, and the line about risks where it will be added.
const preview = (area) => {
  const shown = document.querySelectorAll(`[data-of="${area.dataset.preview}"]`);
  area.addEventListener("input", () => shown.forEach((text) => (text.textContent = area.value || "…")));
};
const purpose = (choice) => {
  const show = () => document.querySelectorAll("[data-risk]").forEach((line) => (line.hidden = choice.value !== "investment"));
  choice.addEventListener("change", show);
};
// The button that leads on is shown under each bubble.
const link = (choice) => {
  const show = () =>
    document.querySelectorAll("[data-link]").forEach((button) => (button.hidden = !choice.value.startsWith(`${button.dataset.link}:`)));
  choice.addEventListener("change", show);
  show();
};
const template = (choice) => {
  const show = () =>
    document.querySelectorAll("[data-template]").forEach((part) => (part.hidden = part.dataset.template !== choice.value));
  choice.addEventListener("change", show);
  show();
};

// How many people the ticked audience has.
const audience = (form) => {
  const shown = document.getElementById("audience-count");
  let timer;
  const ask = async () => {
    const fields = new URLSearchParams(new FormData(form));
    for (const name of [...fields.keys()]) if (!form.dataset.audience.split(" ").includes(name)) fields.delete(name);
    try {
      shown.innerHTML = await fetched(`${shown.dataset.from}?${fields}`);
    } catch {
      shown.textContent = "";
    }
  };
  form.addEventListener("change", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, 250);
  });
  ask();
};

document.querySelectorAll("[data-live]").forEach(follow);
document.querySelectorAll("textarea[data-limit]").forEach(count);
document.querySelectorAll("textarea[data-preview]").forEach(preview);
if (document.querySelector("[data-risk]")) purpose(document.getElementById("purpose"));
if (document.querySelector("[data-template]")) template(document.getElementById("template"));
if (document.querySelector("[data-link]")) link(document.getElementById("link"));
document.querySelectorAll("form[data-audience]").forEach(audience);
