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
