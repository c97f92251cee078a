// What the session's own scripts say, to `docker logs`.

// In a release dump() is silent but for a preference, which pages shall not have.
export function log(text) {
  const preferences = Services.prefs.getDefaultBranch("browser.dom.window.dump.");
  preferences.setBoolPref("enabled", true);
  dump(`[session] ${text}\n`);
  preferences.setBoolPref("enabled", false);
}

// For whatever Firefox calls: an error is told, and ends nothing else.
export function guarded(work) {
  return (...these) => {
    try {
      return work(...these);
    } catch (error) {
      log(`${error}\n${error.stack}`);
      return undefined;
    }
  };
}

// For what keeps people in the page: where it fails nothing does, so Firefox ends, and is started again.
export function vital(work) {
  return (...these) => {
    try {
      return work(...these);
    } catch (error) {
      log(`${error}\n${error.stack}`);
      log("what keeps people in the page has failed: the browser ends");
      Cc["@mozilla.org/xpcom/debug;1"].getService(Ci.nsIDebug2).abort("log.sys.mjs", 0);
      return undefined;
    }
  };
}
