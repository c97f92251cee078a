// What a person needs of the windows that pages open, the files they send, their sounds. In a kiosk each window fills the screen, has
// no title bar and no tabs to see, and pages of old systems count on both; and nothing tells of a download.

import { guarded, log, vital } from "chrome://session/content/log.sys.mjs";

const browserWindow = "chrome://browser/content/browser.xhtml";
const words = {
  pt: { close: "Fechar", received: "Arquivo recebido:", flood: "Esta página abriu janelas demais. Elas foram fechadas." },
  es: { close: "Cerrar", received: "Archivo recibido:", flood: "Esta página abrió demasiadas ventanas. Se han cerrado." },
  en: { close: "Close", received: "File received:", flood: "This page opened too many windows. They have been closed." },
};
const noteMs = 10000;

const say = () => words[Services.locale.appLocaleAsBCP47.slice(0, 2)] ?? words.en;
export const browserWindows = () => [...Services.wm.getEnumerator("navigator:browser")].filter(win => !win.closed);

// The looks of all this: userChrome.css.
function element(document, name, id) {
  const made = document.createElementNS("http://www.w3.org/1999/xhtml", name);
  if (id) made.id = id;
  return made;
}

// ---- the way back --------------------------------------------------------------------------------------------------------

const startWindows = new WeakSet(); // without a bar: nothing is behind them
export const isStart = win => startWindows.has(win);

let isOpeningStart = false;
// Runs what opens a window with the start page.
export function openingStart(open) {
  isOpeningStart = true;
  try {
    return open();
  } finally {
    isOpeningStart = false;
  }
}

// A bar at the top: the page's title, and the way back to the page before. It is there while there is one: in each window but the
// start page's, and in that while it has another tab (a link opened with Ctrl or the middle button).
function keepBar(win) {
  const { document, gBrowser } = win;
  const bar = element(document, "div", "session-bar");
  const title = bar.appendChild(element(document, "span"));
  const button = bar.appendChild(element(document, "button"));
  button.textContent = "✕ " + say().close;
  // As the key does (Ctrl+W): a page that asks before it is left does so here as well.
  button.addEventListener("click", () => document.getElementById("cmd_close").doCommand());
  const tell = () => {
    title.textContent = gBrowser.contentTitle;
    bar.hidden = isStart(win) && gBrowser.tabs.filter(tab => !tab.closing).length === 1;
  };
  gBrowser.addEventListener("pagetitlechanged", tell);
  for (const change of ["TabOpen", "TabClose", "TabSelect"]) win.addEventListener(change, guarded(tell));
  tell();
  document.body.prepend(bar);
}

// ---- notes ---------------------------------------------------------------------------------------------------------------

// Over the page's last lines for a while: no page moves for it, and clicks go through.
function note(id, text) {
  const win = Services.wm.getMostRecentWindow("navigator:browser");
  if (!win) return;
  win.document.getElementById(id)?.remove();
  const made = element(win.document, "div", id);
  made.className = "session-note";
  made.textContent = text;
  win.document.body.append(made);
  win.setTimeout(() => made.remove(), noteMs);
}

export const noteFlood = () => note("session-flood", say().flood);

// What was fetched lies in the session's one folder, where the file dialog of any page finds it. Nothing else would say so.
async function watchFiles() {
  const { Downloads } = ChromeUtils.importESModule("resource://gre/modules/Downloads.sys.mjs");
  const list = await Downloads.getList(Downloads.ALL);
  const told = new WeakSet();
  await list.addView({
    onDownloadChanged: guarded(download => {
      if (!download.succeeded || told.has(download)) return;
      told.add(download);
      note("session-file", `${say().received} ${download.target.path.split("/").pop()}`);
    }),
  });
}

// ---- sounds --------------------------------------------------------------------------------------------------------------

// There is no sound device. A sound that may be heard makes an error for want of one, a muted one plays by the clock.
function muteAll(win) {
  const mute = tab => tab.hasAttribute("muted") || tab.toggleMuteAudio();
  win.gBrowser.tabs.forEach(mute);
  win.addEventListener("TabOpen", guarded(event => mute(event.target)));
}

// ---- start ---------------------------------------------------------------------------------------------------------------

let hadFirst = false; // Firefox itself opens that one

const onOpened = vital(win => {
  if (isOpeningStart) startWindows.add(win);
  const onLoad = guarded(event => {
    if (event.target !== win.document || win.location.href !== browserWindow) return;
    win.removeEventListener("load", onLoad, true);
    if (!hadFirst) startWindows.add(win);
    hadFirst = true;
    keepBar(win);
    muteAll(win);
  });
  win.addEventListener("load", onLoad, true);
});

export function keepWindows() {
  Services.obs.addObserver(onOpened, "domwindowopened");
  // Once there is a window: it costs nothing on the way to the first page.
  Services.obs.addObserver(function onFirst() {
    Services.obs.removeObserver(onFirst, "browser-delayed-startup-finished");
    watchFiles().catch(error => log(`windows: ${error}`));
  }, "browser-delayed-startup-finished");
}
