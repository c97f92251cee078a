// Keys and text into the session: from a keyboard of which codes travel (its layout is named) or letters, and from keyboards on glass.
// All of it goes through one text field that nobody sees. It has the focus, so that the person's own system composes there what
// it composes anywhere: dead keys, input methods, words that an on-screen keyboard has guessed. noVNC's Keyboard listens on it
// for keys; what it must not have (it knows no composing, and ends it where it sees it) is kept from it here.
import Keyboard from './core/input/keyboard.js';
import keysyms from './core/input/keysymdef.js';
import KeyTable from './core/input/keysym.js';

// On-screen keyboards delete only where there is something, and look at the words before the cursor for what comes next.
const filler = ' '.repeat(32);
const mostText = 400;
const controls = { '\n': KeyTable.XK_Return, '\r': KeyTable.XK_Return, '\t': KeyTable.XK_Tab };
const ofModifier = /^(Shift|Control|Alt$|Meta|OS|CapsLock|NumLock|ScrollLock|Fn)|^AltGraph$/;
const isLinux = /Linux|X11/.test(navigator.platform);

// `field` is the text field; `isNamed`: the session knows the layout, codes travel; `beforeKey(event)` sees each key first and
// says true when the browser alone is to have it.
export function createTyping({ field, isNamed, beforeKey }) {
    let rfb = null;
    let text = '';            // what the field held when it was last looked at
    let isHeld = false;       // a composition that a keyboard of wood began is told when it is done, not letter by letter
    let isDead = false;       // a dead key waits for its letter
    let isFromCode = false;   // the last key had a place on a keyboard of wood
    const down = new Map();   // code → symbol of what the session believes to be pressed
    const locks = { CapsLock: false, NumLock: false };  // of a new session's X server

    const keyboard = new Keyboard(field);
    keyboard.onkeyevent = send;
    keyboard.grab();

    function send(keysym, code, isDown) {
        if (isDown) down.set(code, keysym);
        else down.delete(code);
        if (rfb) rfb.sendKey(keysym, code, isDown);
    }

    function tap(keysym, code = null) {
        if (!rfb) return;
        rfb.sendKey(keysym, code, true);
        rfb.sendKey(keysym, code, false);
    }

    function refill() {
        field.value = text = filler;
        field.setSelectionRange(text.length, text.length);
    }

    // Sends what has become of the field since: so many characters less at its end, then new ones.
    function sync() {
        const now = field.value;
        if (now === text) return;
        const before = Array.from(text), after = Array.from(now);
        let same = 0;
        while (same < before.length && same < after.length && before[same] === after[same]) same++;
        text = now;
        if (isNamed && isFromCode) return;  // its codes have been sent
        for (let i = same; i < before.length; i++) tap(KeyTable.XK_BackSpace);
        for (const letter of after.slice(same)) tap(controls[letter] ?? keysyms.lookup(letter.codePointAt(0)));
    }

    // Input methods swallow what they do not need: Chromium's on Linux the Shift between a dead key and its letter, pressed or
    // released. What an event says of the modifiers is true in any case.
    function correctModifiers(event) {
        const isUp = event.type === 'keyup';
        const correct = (codes, isPressed, keysym, mayPress) => {
            if (codes.includes(event.code)) {
                if (isUp && down.has(event.code)) send(down.get(event.code), event.code, false);
                return;
            }
            const pressed = codes.filter((code) => down.has(code));
            if (!isPressed) pressed.forEach((code) => send(down.get(code), code, false));
            else if (pressed.length === 0 && mayPress) send(keysym, codes[0], true);
        };
        correct(['ShiftLeft', 'ShiftRight'], event.shiftKey, KeyTable.XK_Shift_L, event.isTrusted);
        if (down.get('AltRight') === KeyTable.XK_ISO_Level3_Shift || isLinux)
            correct(['AltRight'], event.getModifierState('AltGraph') || event.altKey, KeyTable.XK_ISO_Level3_Shift,
                    isLinux && event.getModifierState('AltGraph'));
    }

    // Where codes travel, the session has locks of its own; the person looks at the lights of hers.
    function correctLocks(event) {
        for (const [code, keysym] of [['CapsLock', KeyTable.XK_Caps_Lock], ['NumLock', KeyTable.XK_Num_Lock]]) {
            if (event.code === code) return;
            if (event.getModifierState(code) === locks[code]) continue;
            locks[code] = !locks[code];
            tap(keysym, code);
        }
    }

    // Whether the browser makes text of this key, in the field, instead of the session.
    function isComposed(event) {
        isFromCode = Boolean(event.code) && event.code !== 'Unidentified';
        if (isNamed && isFromCode) return false;
        if (event.isComposing || event.keyCode === 229 || event.key === 'Process') return true;
        if (event.key === 'Dead') return isDead = true;
        // Windows composes without saying so. Tab, Enter and their like end it: left to the browser they would lead out of the field.
        if (event.key.length > 1 && !ofModifier.test(event.key)) isDead = false;
        return isDead && event.key.length === 1;
    }

    function onKeyDown(event) {
        if (!rfb) return;
        correctModifiers(event);
        if (beforeKey(event) || isComposed(event)) {
            event.stopImmediatePropagation();
            return;
        }
        // A lock key toggles the session's lock as it toggles the person's; both states are known after it.
        if (isNamed && !event.repeat && event.code in locks) locks[event.code] = !locks[event.code];
        else if (isNamed && isFromCode) correctLocks(event);
        // The cursor goes elsewhere: what the field holds no longer stands before it.
        if (event.key.length > 1 && !ofModifier.test(event.key) && text !== filler) refill();
    }

    function onKeyUp(event) {
        if (!rfb) return;
        correctModifiers(event);
        if (isDead && event.key !== 'Dead' && !ofModifier.test(event.key)) isDead = false;
    }

    function onInput(event) {
        if (event.isComposing && isHeld) return;
        isDead = false;
        sync();
        if (!event.isComposing && (text.length < filler.length / 2 || text.length > mostText)) refill();
    }

    field.addEventListener('compositionstart', () => { isHeld = isFromCode; });
    field.addEventListener('compositionend', () => {
        // Firefox still adds the result, in an event of its own.
        isHeld = isDead = false;
        sync();
    });
    field.addEventListener('input', onInput);
    field.addEventListener('blur', () => { isHeld = isDead = false; });
    // On window, while it goes down: before noVNC.
    addEventListener('keydown', (event) => { if (event.target === field) onKeyDown(event); }, true);
    addEventListener('keyup', (event) => { if (event.target === field) onKeyUp(event); }, true);
    refill();

    return {
        start(to) {
            rfb = to;
            down.clear();
            refill();
        },
        stop() {
            keyboard.ungrab();
            rfb = null;
            keyboard.grab();
        },
        focus() { field.focus({ preventScroll: true }); },
        // The pointer is about to be used: the modifiers must be as the person holds them, and the cursor may go elsewhere.
        pointer(event) {
            if (!rfb) return;
            correctModifiers(event);
            refill();
        },
        tap,
        // Does something while a key is held that nobody holds.
        hold(keysym, code, what) {
            const isHeldAlready = down.has(code);
            if (!isHeldAlready) send(keysym, code, true);
            what();
            if (!isHeldAlready) send(keysym, code, false);
        },
    };
}
