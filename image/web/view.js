// How the session's screen lies in the browser's window, and the buttons for what a hand finds no key for: full screen, and the
// keyboard of a device that has none.

// A picture is sharp when each of its pixels is a whole number of the display's. So where it fits whole that is its size; where it
// does not it is made smaller until it does. noVNC scales it to the element that it is in, so the element gets that size.
export function createView({ screen, tools, field }) {
    const [fullButton, keysButton] = ['full', 'keys'].map((name) => tools.querySelector(`[data-do=${name}]`));
    let lastY = 0;         // where the pointer was last, as a share of the window's height
    let hideTimer = null;

    function place() {
        const canvas = screen.querySelector('canvas');
        const width = canvas?.width, height = canvas?.height;
        const style = screen.style;
        if (!width || !height) {
            style.cssText = '';
            return;
        }
        const dots = devicePixelRatio;
        const fit = Math.min(innerWidth / width, innerHeight / height);
        const whole = fit >= 1 ? Math.floor(fit * dots + 0.001) : 0;
        const scale = whole > 0 ? whole / dots : fit;
        // On whole pixels of the display, or all the care above is lost.
        const middle = (room, size) => Math.floor((room - size) / 2 * dots) / dots;
        // An on-screen keyboard lies over the window's lower part; the place that was pointed at moves into what is left to be seen.
        const seen = visualViewport ? visualViewport.height * visualViewport.scale : innerHeight;
        const lift = seen < innerHeight * 0.8 ? Math.max(0, Math.min(innerHeight - seen, lastY * innerHeight - seen / 2)) : 0;
        style.cssText = `inset: auto; left: ${middle(innerWidth, width * scale)}px; width: ${width * scale}px; ` +
            `top: ${middle(innerHeight, height * scale) - Math.round(lift)}px; height: ${height * scale}px`;
        canvas.style.imageRendering = whole > 0 ? 'pixelated' : 'auto';
    }

    function showTools(ms) {
        clearTimeout(hideTimer);
        tools.hidden = false;
        if (ms) hideTimer = setTimeout(() => { tools.hidden = true; }, ms);
    }

    // On glass both buttons stay, since nothing else leads there; with a mouse the edge of the window brings the one.
    function onPointer(event) {
        lastY = event.clientY / innerHeight;
        if (event.pointerType === 'touch') {
            keysButton.hidden = false;
            showTools();
        } else if (event.pointerType === 'mouse' && keysButton.hidden && (event.clientY <= 2 || tools.contains(event.target))) {
            showTools(3000);
        }
    }

    async function toggleFullScreen() {
        if (document.fullscreenElement) {
            document.exitFullscreen();
            return;
        }
        await document.documentElement.requestFullscreen({ navigationUI: 'hide' });
        // Esc is for the session then, where the browser lets it; held down it ends the full screen.
        await navigator.keyboard?.lock?.(['Escape']);
    }

    function toggleKeys() {
        const isOpen = visualViewport && visualViewport.height * visualViewport.scale < innerHeight * 0.8;
        field.blur();  // a field that has the focus already calls nothing up
        field.inputMode = isOpen ? 'none' : 'text';
        field.focus({ preventScroll: true });
    }

    keysButton.hidden = !matchMedia('(pointer: coarse)').matches;
    tools.hidden = keysButton.hidden;
    fullButton.hidden = !document.fullscreenEnabled;
    fullButton.addEventListener('click', () => toggleFullScreen().catch(() => {}));
    keysButton.addEventListener('click', toggleKeys);
    tools.addEventListener('pointerdown', (event) => event.preventDefault());  // the focus stays where it is
    tools.addEventListener('mousedown', (event) => event.preventDefault());
    addEventListener('pointerdown', onPointer, true);
    addEventListener('pointermove', onPointer, true);
    // Before noVNC, whose own listener then finds the element's new size.
    addEventListener('resize', place, true);
    visualViewport?.addEventListener('resize', place);
    matchMedia(`(resolution: ${devicePixelRatio}dppx)`).addEventListener('change', place);

    return { place };
}
