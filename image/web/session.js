// The page on `/`: opens the session at once, scaled to the browser's window, and again whenever the connection is lost.
import RFB from './core/rfb.js';

const firstPauseMs = 250, longestPauseMs = 5000;
const patienceMs = 15000;  // noVNC waits for ever for a server that takes the connection and says nothing
const screen = document.getElementById('screen');
const notice = document.getElementById('notice');
let pauseMs = firstPauseMs;

function show(state, text) {
    document.documentElement.dataset.state = state;
    notice.textContent = text;
    notice.hidden = text === '';
}

function connect() {
    const address = new URL('websockify', location.href);
    address.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
    address.search = address.hash = '';
    screen.replaceChildren();
    const rfb = new RFB(screen, address.href, { shared: true });
    rfb.scaleViewport = true;
    rfb.background = '#202124';
    const tooLong = setTimeout(() => rfb.disconnect(), patienceMs);
    rfb.addEventListener('connect', () => {
        clearTimeout(tooLong);
        pauseMs = firstPauseMs;
        show('connected', '');
        rfb.focus();
    });
    rfb.addEventListener('disconnect', () => {
        clearTimeout(tooLong);
        show('connecting', 'Reconectando… / Reconnecting…');
        setTimeout(connect, pauseMs);
        pauseMs = Math.min(pauseMs * 2, longestPauseMs);
    });
}

show('connecting', 'Conectando… / Connecting…');
connect();
