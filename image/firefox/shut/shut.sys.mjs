// Keeps the person in the page: which keys, windows and documents a session's Firefox has, and what follows on the last of them.
// What Firefox has a policy for stands in policies.json; this is the rest. Lists say what stays, so that the next release's new
// shortcuts, windows and about: pages are shut out with the old ones. Read once, by session.cfg, before the first window.

import { setTimeout } from "resource://gre/modules/Timer.sys.mjs";
import { filePickerIn } from "chrome://session/content/files.sys.mjs";
import { guarded, log, vital } from "chrome://session/content/log.sys.mjs";
import { keepDoor } from "chrome://session/content/popups.sys.mjs";
import { browserWindows, isStart, keepWindows, openingStart } from "chrome://session/content/windows.sys.mjs";

const browserWindow = "chrome://browser/content/browser.xhtml";
const keptWindows = new Set([
  browserWindow,
  "chrome://global/content/commonDialog.xhtml", // alert, confirm, prompt, and the question for a password
  "chrome://global/content/selectDialog.xhtml",
  "chrome://session/content/files.xhtml",
  "chrome://extensions/content/dummy.xhtml", // never on the screen
]);
// By id or, where they have none, by command. Editing is Firefox's own business; pages see the keys of all others.
const keptKeys = new Set([
  ...["key_undo", "key_redo", "key_cut", "key_copy", "key_paste", "key_selectAll", "goHome"],
  ...["cmd_delete", "cmd_handleBackspace", "cmd_handleShiftBackspace", "cmd_close", "cmd_find", "cmd_findAgain", "cmd_findPrevious"],
  ...["Browser:Back", "Browser:Forward", "Browser:Reload", "Browser:ReloadSkipCache", "Browser:Stop"],
  ...["cmd_fullZoomEnlarge", "cmd_fullZoomReduce", "cmd_fullZoomReset"],
]);
const keptMultimediaKeys = new Set(["Back", "Forward", "Reload", "Stop", "Home"]);
// Empty pages and those that say what went wrong.
const keptAboutPages = new Set(["blank", "srcdoc", "neterror", "certerror", "httpsonlyerror", "blocked", "tabcrashed", "framecrashed"]);
const folder = Services.env.get("HOME") + "/Downloads"; // as DownloadDirectory in policies.json
let isEnding = false;
let page = "about:blank"; // the one that the session was started with

// ---- keys ----------------------------------------------------------------------------------------------------------------

function pruneKeys(document) {
  for (const key of document.querySelectorAll("key")) {
    if (!keptKeys.has(key.id) && !keptKeys.has(key.getAttribute("command"))) key.remove();
  }
}

function onMultimediaKey(event) {
  if (keptMultimediaKeys.has(event.command)) return;
  event.stopImmediatePropagation();
  event.preventDefault();
}

// ---- windows -------------------------------------------------------------------------------------------------------------

function openPage() {
  const address = Cc["@mozilla.org/supports-string;1"].createInstance(Ci.nsISupportsString);
  address.data = page;
  return openingStart(() => Services.ww.openWindow(null, browserWindow, "_blank", "chrome,dialog=no,all,non-private", address));
}

// The process that showed a page is gone. In its place comes the start page, later each time when it keeps happening.
let crashes = [];
function onCrash(win, browser) {
  const now = Date.now();
  crashes = crashes.filter(at => now - at < 60000);
  crashes.push(now);
  log(`shut: a page's process has ended, ${crashes.length} in a minute`);
  setTimeout(
    guarded(() => {
      const tab = win.closed ? null : win.gBrowser.getTabForBrowser(browser);
      if (!tab) return;
      if (isStart(win) && win.gBrowser.tabs.length === 1) win.gBrowser.addTrustedTab(page, { inBackground: false });
      win.gBrowser.removeTab(tab, { animate: false, skipPermitUnload: true });
    }),
    (crashes.length - 1) * 1000
  );
}

const onBrowserWindow = vital(win => {
  const { document } = win;
  pruneKeys(document);
  // Whatever comes later, a panel of an extension for one, brings its keys in a set of its own.
  new win.MutationObserver(vital(() => pruneKeys(document))).observe(document.documentElement, { childList: true });
  win.addEventListener("AppCommand", onMultimediaKey, true);
  win.addEventListener("oop-browser-crashed", guarded(event => onCrash(win, event.originalTarget)), true);
});

const onWindow = vital(win => {
  win.addEventListener(
    "DOMContentLoaded",
    vital(event => {
      const { location } = win;
      if (event.target !== win.document) return;
      if (location.href === browserWindow) onBrowserWindow(win);
      else if (!keptWindows.has(location.href)) {
        log(`shut: ${location.href} has been opened, and is closed`);
        win.close();
      }
    }),
    true
  );
});

// Without a window of the start page a person would sit before an empty screen, or before what was behind it.
const onWindowGone = guarded(win => {
  if (isEnding || win.document.documentURI !== browserWindow) return;
  if (!browserWindows().some(other => other !== win && isStart(other))) openPage();
});

// ---- documents -----------------------------------------------------------------------------------------------------------

// What was fetched into this session, and the start page with what lies beside it.
function isKeptFile(address) {
  const file = address.QueryInterface(Ci.nsIFileURL).file;
  try {
    file.normalize(); // follows links; throws where there is nothing
  } catch {
    return false;
  }
  const kept = [folder];
  if (page.startsWith("file:")) kept.push(Services.io.newURI(page).QueryInterface(Ci.nsIFileURL).file.parent.path);
  return kept.some(path => file.path.startsWith(path + "/"));
}

function isKept(address) {
  switch (address.scheme) {
    case "view-source":
      return false;
    case "resource":
      return address.host === "pdf.js"; // the viewer of PDF
    case "about":
      return keptAboutPages.has(address.pathQueryRef.split(/[?#]/)[0].toLowerCase());
    case "file":
      return isKeptFile(address);
    default:
      return true; // of the rest, Firefox itself lets no page lead to what is the browser's own
  }
}

const documentRule = {
  classID: Components.ID("{5b7b1f0e-6a0d-4a52-9b0c-2f4d1f3c8a61}"),
  contractID: "@vnc-orchestrator/shut;1",
  QueryInterface: ChromeUtils.generateQI(["nsIContentPolicy"]),
  createInstance(iid) {
    return this.QueryInterface(iid);
  },
  shouldLoad(address, loadInfo) {
    const type = loadInfo.externalContentPolicyType;
    const isDocument = type === Ci.nsIContentPolicy.TYPE_DOCUMENT || type === Ci.nsIContentPolicy.TYPE_SUBDOCUMENT || type === Ci.nsIContentPolicy.TYPE_OBJECT;
    return !isDocument || isKept(address) ? Ci.nsIContentPolicy.ACCEPT : Ci.nsIContentPolicy.REJECT_POLICY;
  },
  shouldProcess: () => Ci.nsIContentPolicy.ACCEPT,
};

function register(component, category) {
  const registrar = Components.manager.QueryInterface(Ci.nsIComponentRegistrar);
  registrar.registerFactory(component.classID, "", component.contractID, component);
  if (category) Services.catMan.addCategoryEntry(category, component.contractID, component.contractID, false, true);
}

// ---- the browser's own connections ------------------------------------------------------------------------------------------

// From a process that shows pages: the viewer of PDF fetches the parts of a file in the browser's name.
function isOfPage(channel) {
  try {
    return Boolean(channel.notificationCallbacks.getInterface(Ci.nsIParentChannel));
  } catch {
    return false;
  }
}

// What no page and no person has asked for (settings, lists, updates, whatever the next release brings) is asked of nobody.
function onRequest(channel) {
  const { loadInfo, URI: address } = channel.QueryInterface(Ci.nsIHttpChannel);
  const isOwn = loadInfo.loadingPrincipal?.isSystemPrincipal && loadInfo.externalContentPolicyType !== Ci.nsIContentPolicy.TYPE_DOCUMENT;
  if (!isOwn || isOfPage(channel) || address.spec === Services.prefs.getStringPref("network.proxy.autoconfig_url", "")) return;
  channel.cancel(Cr.NS_ERROR_BLOCKED_BY_POLICY);
}

// ---- start ---------------------------------------------------------------------------------------------------------------

function onCommandLine(line) {
  for (let i = line.length - 1; i >= 0; --i) {
    const word = line.getArgument(i);
    if (word.startsWith("-")) continue;
    page = line.resolveURI(word).spec;
    keepDoor(page);
    Services.prefs.getDefaultBranch("").setStringPref("browser.startup.homepage", page); // Alt+Home
    Services.prefs.lockPref("browser.startup.homepage");
    return;
  }
}

const observer = {
  observe(subject, topic) {
    switch (topic) {
      case "command-line-startup":
        vital(onCommandLine)(subject.QueryInterface(Ci.nsICommandLine));
        break;
      case "domwindowopened":
        onWindow(subject);
        break;
      case "domwindowclosed":
        onWindowGone(subject);
        break;
      case "http-on-opening-request":
        guarded(onRequest)(subject);
        break;
      case "quit-application-granted":
        isEnding = true;
        Services.startup.exitLastWindowClosingSurvivalArea();
        break;
    }
  },
};

// The word that the health probe waits for: without it, for whatever reason, nobody gets to see this browser.
function tellProbe() {
  const runFolder = Services.env.get("SESSION_RUN");
  if (!runFolder) return;
  const file = Cc["@mozilla.org/file/local;1"].createInstance(Ci.nsIFile);
  file.initWithPath(runFolder + "/app-shut");
  if (!file.exists()) file.create(Ci.nsIFile.NORMAL_FILE_TYPE, 0o600);
}

export function shut() {
  for (const topic of ["command-line-startup", "domwindowopened", "domwindowclosed", "http-on-opening-request", "quit-application-granted"]) Services.obs.addObserver(observer, topic);
  register(documentRule, "content-policy");
  register(filePickerIn(folder));
  keepWindows();
  Services.startup.enterLastWindowClosingSurvivalArea();
  tellProbe();
}
