// Runs inside Firefox before its first window: what a person needs of the windows that pages open, the files they send, their sounds. In a kiosk each
// window fills the screen, has no title bar and no tab, and pages of old systems count on both; and nothing tells of a download.
const browserWindow = "chrome://browser/content/browser.xhtml";
const closing = { pt: "Fechar", es: "Cerrar", en: "Close" };

const guarded = work => (...these) => {
  try {
    work(...these);
  } catch (error) {
    dump("[session] windows.js: " + error + "\n");
  }
};

// A bar at the top of every window but the first: the page's title, and the way back to the one before.
function addBar(win) {
  const { document } = win;
  const part = (name, parent) => parent.appendChild(document.createElementNS("http://www.w3.org/1999/xhtml", name));
  const bar = document.createElementNS("http://www.w3.org/1999/xhtml", "div");
  bar.id = "session-bar"; // its looks: userChrome.css
  const title = part("span", bar);
  const button = part("button", bar);
  button.textContent = "✕ " + (closing[Services.locale.appLocaleAsBCP47.slice(0, 2)] || closing.en);
  // As the window's own: a page that asks before it is left does so here as well.
  button.addEventListener("click", () => document.getElementById("cmd_closeWindow").doCommand());
  const tell = () => (title.textContent = win.gBrowser.contentTitle);
  win.gBrowser.addEventListener("pagetitlechanged", tell);
  tell();
  document.body.prepend(bar);
}

const received = { pt: "Arquivo recebido", es: "Archivo recibido", en: "File received" };
const lastsMs = 10000;

// What was fetched lies in the session's one folder, where the file dialog of any page finds it. Nothing else would say so.
function tellOfFile(name) {
  const win = Services.wm.getMostRecentWindow("navigator:browser");
  if (!win) return;
  const { document } = win;
  const note = document.createElementNS("http://www.w3.org/1999/xhtml", "div");
  note.className = "session-note";
  note.textContent = `${received[Services.locale.appLocaleAsBCP47.slice(0, 2)] || received.en}: ${name}`;
  note.addEventListener("click", () => note.remove());
  win.setTimeout(() => note.remove(), lastsMs);
  document.body.prepend(note);
}

// Once there is a window: it costs nothing on the way to the first page.
async function watchFiles() {
  const { Downloads } = ChromeUtils.importESModule("resource://gre/modules/Downloads.sys.mjs");
  const list = await Downloads.getList(Downloads.ALL);
  const told = new WeakSet();
  await list.addView({
    onDownloadChanged: guarded(download => {
      if (!download.succeeded || told.has(download)) return;
      told.add(download);
      tellOfFile(download.target.path.split("/").pop());
    }),
  });
}

Services.obs.addObserver(function onFirst() {
  Services.obs.removeObserver(onFirst, "browser-delayed-startup-finished");
  watchFiles().catch(error => dump("[session] windows.js: " + error + "\n"));
}, "browser-delayed-startup-finished");

// There is no sound device. A sound that may be heard makes an error for want of one, a muted one plays by the clock.
function muteAll(win) {
  const mute = tab => tab.hasAttribute("muted") || tab.toggleMuteAudio();
  win.gBrowser.tabs.forEach(mute);
  win.addEventListener("TabOpen", guarded(event => mute(event.target)));
}

Services.obs.addObserver(win => {
  const onLoad = guarded(event => {
    if (event.target !== win.document || win.location.href !== browserWindow) return;
    win.removeEventListener("load", onLoad, true);
    const others = [...Services.wm.getEnumerator("navigator:browser")].filter(other => other !== win && !other.closed);
    if (others.length) addBar(win);
    muteAll(win);
  });
  win.addEventListener("load", onLoad, true);
}, "domwindowopened");

// Old systems open windows without a click. The site that the session was started for may, whichever of its hosts asks; from
// others Firefox takes them upon a click only, as ever.
function allowPopups(address) {
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

const atCommandLine = {
  observe: guarded(subject => {
    Services.obs.removeObserver(atCommandLine, "command-line-startup");
    const line = subject.QueryInterface(Ci.nsICommandLine);
    for (let i = line.length - 1; i >= 0; --i) {
      const word = line.getArgument(i);
      if (!/^https?:/.test(word)) continue;
      allowPopups(Services.io.newURI(word));
      return;
    }
  }),
};
Services.obs.addObserver(atCommandLine, "command-line-startup");
