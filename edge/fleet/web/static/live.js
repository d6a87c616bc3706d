// What is new replaces what is old. The server has escaped everything that it sends as HTML.
"use strict";

const stale = document.getElementById("stale");
const wall = document.getElementById("wall");
const events = document.getElementById("events");
const commands = document.getElementById("commands");
const waiting = document.getElementById("waiting"); // of alarms
const SILENT_MS = 25000; // the server says something every 10 s
let heardAt = Date.now();
let lost = false;

function element(html) {
  const holder = document.createElement("template");
  holder.innerHTML = html;
  return holder.content.firstElementChild;
}

function find(parent, name, value) {
  return parent.querySelector(`[${name}="${CSS.escape(value)}"]`);
}

function tile(news) {
  const old = wall && find(wall, "data-door", news.door);
  if (old) {
    const focused = old.contains(document.activeElement);
    const fresh = element(news.html);
    old.replaceWith(fresh);
    if (focused) fresh.querySelector("a").focus();
    if (news.trouble && !wall.classList.contains("one")) wall.prepend(fresh);
  }
}

function event(news) {
  if (!events || (events.dataset.door && events.dataset.door !== news.door)) return;
  const row = element(`<table><tbody>${news.html}</tbody></table>`).querySelector("tr");
  row.classList.add("fresh");
  events.prepend(row);
  while (events.rows.length > Number(events.dataset.most)) events.deleteRow(-1);
}

function command(news) {
  if (!commands || "still" in commands.dataset || (commands.dataset.door && commands.dataset.door !== news.door)) return;
  const row = element(`<table><tbody>${news.html}</tbody></table>`).querySelector("tr");
  const old = find(commands, "data-command", row.dataset.command);
  if (old) old.replaceWith(row);
  else commands.prepend(row);
}

// The list of alarms is loaded anew, unless somebody has begun to choose or to write there.
function listed() {
  const newer = document.getElementById("newer");
  if (!newer) return;
  const begun = document.querySelector("[name=alarm]:checked") || (document.querySelector("[name=note]") || {}).value;
  if (begun) newer.hidden = false;
  else location.reload();
}

function count(news) {
  if (!waiting) return;
  if (waiting.textContent !== news.html) listed();
  waiting.textContent = news.html;
  waiting.hidden = news.html === "0";
}

function connect() {
  const source = new EventSource("/live");
  const on = (kind, show) => source.addEventListener(kind, (message) => {
    heardAt = Date.now();
    show(JSON.parse(message.data));
  });
  on("tile", tile);
  on("event", event);
  on("command", command);
  on("alarms", count);
  on("ping", () => {});
  source.onopen = () => {
    heardAt = Date.now();
    // What happened meanwhile was not sent; on other pages a form may be half filled in.
    if (lost && (wall || events || commands)) location.reload();
    lost = false;
    stale.hidden = true;
    document.documentElement.dataset.live = "yes";
  };
  source.onerror = () => {
    lost = true;
    stale.hidden = false;
    delete document.documentElement.dataset.live;
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 5000);
  };
}

setInterval(() => { if (Date.now() - heardAt > SILENT_MS) stale.hidden = false; }, 5000);

for (const box of document.querySelectorAll("[data-all]")) {
  box.addEventListener("change", () => {
    for (const each of document.getElementsByName(box.dataset.all)) each.checked = box.checked;
  });
}
for (const button of document.querySelectorAll("[data-print]")) {
  button.addEventListener("click", () => window.print());
}
connect();
