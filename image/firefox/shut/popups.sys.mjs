// The windows that pages open: who may, how many, and what becomes of a flood of them. Whatever a page does to get a window (a link,
// a script, a form), it comes to the one who makes Firefox's windows, and is asked about here before anything of it is made. So a
// page that wants ten thousand costs ten thousand short answers, never ten thousand windows.

import { setTimeout } from "resource://gre/modules/Timer.sys.mjs";
import { guarded, log } from "chrome://session/content/log.sys.mjs";
import { browserWindows, noteFlood } from "chrome://session/content/windows.sys.mjs";

// Old systems have many windows open; what opens more than these is none. As each window covers the one that opened it, nobody
// opens this many within a minute and closes none of them, nor this many within seconds: that is a flood.
const mostPages = 20;
const mostAtOnce = 10;
const youngMs = 60000;
const oftenMs = 10000;

let asked = []; // when pages have asked for a window, the last mostAtOnce + 1 times
let made = []; // { at, win } of those that they got, while young and open
let isMaking = false; // from the call that makes a window until there is one
let unfinished = 0; // such calls; each returns only when its window is whole, and meanwhile others are asked for
let flood = []; // windows that are to be closed

const pagesNow = () => browserWindows().reduce((sum, win) => sum + Math.max(1, win.gBrowser?.tabs.length ?? 1), 0);

// Whoever asks on and on is refused for as long as that goes on; a person who tries again now and then is not.
function isTooOften(now) {
  asked.push(now);
  if (asked.length > mostAtOnce + 1) asked.shift();
  return asked.length > mostAtOnce && now - asked[0] < oftenMs;
}

// Not before they are whole: a page that waits for a window which is closed under way would wait for ever.
const closeFlood = guarded(() => {
  if (unfinished > 0 || flood.length === 0) return;
  for (const win of flood.splice(0)) {
    win.skipNextCanClose = true; // asks none of its pages
    win.close();
  }
  log("popups: they are closed");
  setTimeout(guarded(noteFlood), 500); // in the window that is in front then
});

function mayOpen() {
  const now = Date.now();
  made = made.filter(one => now - one.at < youngMs && !one.win.closed);
  const isOften = isTooOften(now);
  if (!isOften && made.length < mostAtOnce) {
    if (pagesNow() < mostPages) return true;
    log(`popups: ${mostPages} pages are open, and no more`);
    return false;
  }
  if (made.length > 0) {
    log(`popups: pages open window after window: no more for now, and the last ${made.length} are closed`);
    flood.push(...made.splice(0).map(one => one.win));
    asked.fill(now);
    setTimeout(closeFlood, 0);
  }
  return false;
}

const door = {
  QueryInterface: ChromeUtils.generateQI(["nsIWindowCreator"]),
  makes: Cc["@mozilla.org/toolkit/app-startup;1"].getService(Ci.nsIWindowCreator),
  createChromeWindow(parent, flags, info, cancel) {
    const isOfPage = info !== null; // the browser's own windows come without
    if (isOfPage && !mayOpen()) {
      cancel.value = true;
      return null;
    }
    isMaking = isOfPage;
    unfinished++;
    try {
      return this.makes.createChromeWindow(parent, flags, info, cancel);
    } finally {
      if (--unfinished === 0 && flood.length) setTimeout(closeFlood, 0);
    }
  },
  // domwindowopened
  observe(win) {
    if (isMaking) made.push({ at: Date.now(), win });
    isMaking = false;
  },
};

// The site that the session was started for may open windows without a click, as old systems do, whichever of its hosts asks; others
// need one, as ever.
function allowSite(address) {
  let site = address.host;
  try {
    site = Services.eTLD.getBaseDomain(address);
  } catch {
    // An IP address, or a name of one word: it is its own site.
  }
  for (const scheme of ["http", "https"]) {
    for (const port of new Set(["", address.port > 0 ? ":" + address.port : ""])) {
      const principal = Services.scriptSecurityManager.createContentPrincipalFromOrigin(`${scheme}://${site}${port}`);
      Services.perms.addFromPrincipal(principal, "popup", Ci.nsIPermissionManager.ALLOW_ACTION, Ci.nsIPermissionManager.EXPIRE_SESSION);
    }
  }
}

// `page` is the one that the session was started with.
export function keepDoor(page) {
  const preferences = Services.prefs.getDefaultBranch("");
  // Each page in a window of its own: a tab without a tab bar has no way back, and would be made by others.
  preferences.setIntPref("browser.link.open_newwindow", 2);
  Services.prefs.lockPref("browser.link.open_newwindow");
  // A link that is opened with Ctrl or the middle button becomes a tab: one that nobody saw would look as if nothing had happened.
  preferences.setBoolPref("browser.tabs.loadInBackground", false);
  // What is not opened is not asked about either: the question's button leads into Firefox's settings.
  preferences.setBoolPref("privacy.popups.showBrowserMessage", false);
  Services.prefs.lockPref("privacy.popups.showBrowserMessage");
  Services.ww.setWindowCreator(door);
  Services.obs.addObserver(door, "domwindowopened");
  const address = Services.io.newURI(page);
  if (address.schemeIs("http") || address.schemeIs("https")) allowSite(address);
}
