// Copy and paste between the person's clipboard and the session's, as far as her browser allows. What may pass is decided by the
// X server (CLIPBOARD); the page is told only so that it does not offer what would be refused.
import KeyTable from './core/input/keysym.js';

const patienceMs = 150;    // a browser that has nothing to paste may not say so
const copyMs = 1000;       // until what was copied in the session has come out

// `tap(keysym, code)` presses a key in the session and lets it go.
export function createClipboard({ field, mayGoIn, mayComeOut, tap, hold }) {
    let rfb = null;
    let isTouched = false;   // since the session was entered: what came before that is not worth a person's clipboard
    let waiting = null;      // came out, but the browser wants to see a hand first
    let cameOut = null;      // the text that both clipboards hold; null when ours is not known to be the session's
    let copiedAt = 0;        // a copy was asked for in the session, its text has not come out yet
    let pasteKey = null;     // pressed, and kept until the text is on its way

    const unified = (text) => text?.replace(/\r\n?/g, '\n');

    // The session's clipboard is the newer one.
    const isOurs = () => waiting !== null || (copiedAt > 0 && (!mayComeOut || Date.now() - copiedAt < copyMs));

    // The old way, for pages without https and browsers that want a gesture: the copy event of a field with something selected.
    function putByCommand(text) {
        const onCopy = (event) => {
            event.preventDefault();
            event.stopImmediatePropagation();
            event.clipboardData.setData('text/plain', text);
        };
        addEventListener('copy', onCopy, true);
        field.focus({ preventScroll: true });
        field.select();
        const done = document.execCommand('copy');
        field.setSelectionRange(field.value.length, field.value.length);
        removeEventListener('copy', onCopy, true);
        return done;
    }

    async function put(text) {
        cameOut = waiting = text;
        copiedAt = 0;
        try {
            await navigator.clipboard.writeText(text);
        } catch {
            if (waiting !== text || !putByCommand(text)) return;
        }
        if (waiting === text) waiting = null;
    }

    function onText(event) {
        if (isTouched && mayComeOut) put(event.detail.text);
    }

    function press() {
        clearTimeout(pasteKey.timer);
        tap(pasteKey.keysym, pasteKey.code);
        pasteKey = null;
    }

    // The text is announced first, on the same connection: the session's clipboard is the person's before the key arrives.
    function onPaste(event) {
        if (!rfb || !mayGoIn || event.target !== field) return;
        event.preventDefault();
        event.stopImmediatePropagation();
        const text = event.clipboardData.getData('text/plain');
        // The same text as in the session: there it may be more than a text, and stays.
        if (text && unified(text) !== unified(cameOut)) {
            cameOut = null;
            rfb.clipboardPasteFrom(text);
        }
        if (pasteKey) press();
        else hold(KeyTable.XK_Control_L, 'ControlLeft', () => tap(KeyTable.XK_v, 'KeyV'));  // from a menu of the browser
    }

    function onGesture() {
        isTouched = true;
        if (waiting !== null && putByCommand(waiting)) waiting = null;
    }

    addEventListener('paste', onPaste, true);
    addEventListener('keydown', onGesture, true);
    addEventListener('pointerup', onGesture, true);
    addEventListener('blur', () => { copiedAt = 0; });  // perhaps she copies something elsewhere

    return {
        start(from) {
            rfb = from;
            isTouched = false;
            rfb.addEventListener('clipboard', onText);
        },
        stop() {
            if (pasteKey) clearTimeout(pasteKey.timer);
            rfb = pasteKey = null;
            copiedAt = 0;
        },
        // Sees each key before the session; true: the browser is to have it, and the session gets it afterwards.
        beforeKey(event) {
            const letter = event.key.length === 1 ? event.key.toLowerCase() : event.key;
            const isControl = event.ctrlKey && !event.altKey && !event.metaKey;
            if (isControl && ['c', 'x', 'Insert'].includes(letter)) copiedAt = Date.now();
            const isPaste = (isControl && letter === 'v') || (event.shiftKey && !event.ctrlKey && letter === 'Insert');
            if (!isPaste || !mayGoIn || isOurs()) return false;
            if (pasteKey) press();
            pasteKey = {
                keysym: letter === 'Insert' ? KeyTable.XK_Insert : event.key.codePointAt(0),
                code: event.code,
                timer: setTimeout(press, patienceMs),
            };
            return true;
        },
    };
}
