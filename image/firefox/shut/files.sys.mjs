// The file dialog of a session: one folder, that of its downloads, and no way out of it. Takes the place of the one that Firefox
// gets from the desktop (GTK), which shows the whole file system and runs what is asked to open it.

import { log } from "chrome://session/content/log.sys.mjs";

const lazy = {};
ChromeUtils.defineESModuleGetters(lazy, { setTimeout: "resource://gre/modules/Timer.sys.mjs" });

const { modeOpen, modeSave, modeGetFolder, modeOpenMultiple, returnOK, returnCancel } = Ci.nsIFilePicker;

const fileAt = path => {
  const file = Cc["@mozilla.org/file/local;1"].createInstance(Ci.nsIFile);
  file.initWithPath(path);
  return file;
};

// { name, size, modified } of each file, the newest first; what is hidden or still being fetched is none.
function filesIn(folder) {
  if (!folder.exists()) return [];
  return [...folder.directoryEntries]
    .filter(file => !file.isSymlink() && file.isFile() && !file.leafName.startsWith(".") && !file.leafName.endsWith(".part"))
    .map(file => ({ name: file.leafName, size: file.fileSize, modified: file.lastModifiedTime }))
    .sort((a, b) => b.modified - a.modified);
}

const enumerate = items => ({
  QueryInterface: ChromeUtils.generateQI(["nsISimpleEnumerator"]),
  *[Symbol.iterator]() {
    yield* items;
  },
  hasMoreElements: () => items.length > 0,
  getNext: () => items.shift(),
});

class FilePicker {
  QueryInterface = ChromeUtils.generateQI(["nsIFilePicker"]);
  filterIndex = 0;
  defaultString = "";
  defaultExtension = "";
  addToRecentDocs = false;
  capture = 0;
  okButtonLabel = "";
  displayDirectory = null;
  displaySpecialDirectory = "";
  #chosen = [];

  constructor(folder) {
    this.folder = folder;
  }
  init(context, title, mode) {
    this.window = context.topChromeWindow;
    this.mode = mode;
  }
  // Which kinds of files a page asks for it has to check in any case.
  appendFilters() {}
  appendFilter() {}
  appendRawFilter() {}
  isModeSupported() {
    return Promise.resolve(true);
  }

  get file() {
    return this.#chosen[0] ?? null;
  }
  get fileURL() {
    return this.file && Services.io.newFileURI(this.file);
  }
  get files() {
    return enumerate([...this.#chosen]);
  }
  get domFileOrDirectory() {
    throw Components.Exception("a page of the browser itself asks for a file", Cr.NS_ERROR_NOT_IMPLEMENTED);
  }
  get domFileOrDirectoryEnumerator() {
    throw Components.Exception("a page of the browser itself asks for files", Cr.NS_ERROR_NOT_IMPLEMENTED);
  }

  open(callback) {
    // The dialog returns when it is closed, and who calls this does not want to wait for that.
    lazy.setTimeout(() => {
      try {
        this.#ask();
      } catch (error) {
        log(`files: ${error}`);
      }
      callback.done(this.#chosen.length ? returnOK : returnCancel);
    }, 0);
  }
  #ask() {
    const isSave = this.mode === modeSave;
    const talk = {
      isSave,
      isMany: this.mode === modeOpenMultiple,
      isFolder: this.mode === modeGetFolder,
      name: isSave ? this.defaultString : "",
      files: filesIn(this.folder),
      locale: Services.locale.appLocaleAsBCP47,
      chosen: null, // names
    };
    this.window.openDialog("chrome://session/content/files.xhtml", "_blank", "chrome,modal,centerscreen,dialog,resizable=no", talk);
    if (talk.chosen === null) return;
    this.#chosen = this.mode === modeGetFolder ? [this.folder.clone()] : talk.chosen.map(name => this.#inFolder(name, isSave));
  }
  #inFolder(name, isSave) {
    const file = this.folder.clone();
    file.append(name.replace(/[/\\\0]/g, "_").replace(/^\.+/, "_").slice(0, 200)); // throws on anything but a plain name
    if (isSave && file.exists()) {
      file.createUnique(Ci.nsIFile.NORMAL_FILE_TYPE, 0o600);
    }
    return file;
  }
}

// The component by which `shut` registers it.
export const filePickerIn = path => ({
  classID: Components.ID("{0d3c8a25-5c1f-4b0e-8a3d-6f1f2a9c7e42}"),
  contractID: "@mozilla.org/filepicker;1",
  createInstance(iid) {
    return new FilePicker(fileAt(path)).QueryInterface(iid);
  },
});
