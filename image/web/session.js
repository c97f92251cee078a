// The page on `/`: opens the session at once, scaled to the browser's window, and again whenever the connection is lost.
// It enters the session that it was served by and no other, however long it stays open.
import RFB from './core/rfb.js';
import { createClipboard } from './clipboard.js';
import { createTyping } from './typing.js';
import { createView } from './view.js';

const firstPauseMs = 250, longestPauseMs = 5000;
const forgottenMs = 600000, forgottenPauseMs = 30000;  // a tab that nobody misses asks seldom
const openMs = 15000;      // noVNC waits for ever for a server that takes the connection and says nothing
const askMs = 8000;
const silenceMs = 45000;   // the server sends something every 20 s, so two of its signs were missed
const suspectMs = 25000;   // one was missed: enough when the person comes back, or the network does
const patienceMs = 20000;  // without a connection for longer, the person is offered more than to wait
const screen = document.getElementById('screen');
const notice = document.getElementById('notice');
const content = (name) => document.querySelector(`meta[name=${name}]`).content;
const nonce = content('session'), accessUrl = content('access-url');

const field = document.getElementById('keys');
const typing = createTyping({
    field,
    isNamed: content('keyboard') === 'named',
    // F11 is the browser's own full screen; a kiosk has no use for the key.
    beforeKey: (event) => event.key === 'F11' || clipboard.beforeKey(event),
});
const clipboard = createClipboard({
    field,
    mayGoIn: ['both', 'in'].includes(content('clipboard')),
    mayComeOut: ['both', 'out'].includes(content('clipboard')),
    tap: typing.tap,
    hold: typing.hold,
});
const view = createView({ screen, field, tools: document.getElementById('tools') });

let connection = null;     // the one that counts: { rfb, heardAt, timer }
let retry = null;          // timer of the next attempt
let lostAt = Date.now();   // null while connected
let pauseMs = firstPauseMs;

// Wall time, since other clocks stand still while the machine sleeps; it may be set back, too.
const longerThan = (since, ms) => Math.abs(Date.now() - since) > ms;

function show(state, texts = [], links = []) {
    document.documentElement.dataset.state = state;
    const lines = texts.map(([lang, text]) => {
        const line = document.createElement('p');
        line.lang = lang;
        line.textContent = text;
        return line;
    });
    for (const [href, text] of links) {
        const link = document.createElement('a');
        link.href = href;
        link.textContent = text;
        lines.push(link);
    }
    notice.replaceChildren(...lines);
    notice.hidden = lines.length === 0;
}

function showLoss() {
    if (!longerThan(lostAt, patienceMs)) {
        show('connecting', [['pt-BR', 'Reconectando…'], ['en', 'Reconnecting…']]);
        return;
    }
    if (document.documentElement.dataset.state === 'waiting') return;  // links stay where they are while somebody clicks
    // Perhaps the session is another one by now, with a certificate that this browser has not been shown: that looks the same from here.
    const links = [[location.href, 'Recarregar a página / Reload the page']];
    if (accessUrl) links.unshift([accessUrl, 'Pedir a sessão de novo / Ask for the session again']);
    show('waiting', [['pt-BR', 'A sessão não responde no momento. Continuamos tentando.'],
                     ['en', 'The session does not answer at the moment. We keep trying.']], links);
    notice.lastChild.onclick = (event) => {
        event.preventDefault();
        history.replaceState(null, '');
        location.reload();
    };
}

function end() {
    drop();
    clearTimeout(retry);
    document.title = 'Sessão terminada';
    show('ended', [['pt-BR', 'Esta sessão terminou.'], ['en', 'This session has ended.']],
         accessUrl ? [[accessUrl, 'Pedir uma nova sessão / Ask for a new session']] : []);
}

function drop() {
    if (connection) clearTimeout(connection.timer);
    typing.stop();
    clipboard.stop();
    connection = null;
    screen.replaceChildren();
}

function lost(one) {
    if (connection !== one) return;
    drop();
    lostAt ??= Date.now();
    again();
}

function again() {
    showLoss();
    retry = setTimeout(attempt, pauseMs);
    pauseMs = Math.min(pauseMs * 2, longerThan(lostAt, forgottenMs) ? forgottenPauseMs : longestPauseMs);
}

// Whether the session behind the port is still this page's: true, false, or null where nobody of ours answers.
async function isStillOurs() {
    const giveUp = new AbortController();
    const timer = setTimeout(() => giveUp.abort(), askMs);
    try {
        const reply = await fetch(new URL('session', location.href),
                                  { headers: { 'X-Session': nonce }, cache: 'no-store', signal: giveUp.signal });
        const said = `${reply.status} ${await reply.text()}`;
        return said === '200 same' ? true : said === '410 other' ? false : null;
    } catch {
        return null;
    } finally {
        clearTimeout(timer);
    }
}

async function attempt() {
    retry = null;
    const ours = await isStillOurs();
    if (ours === null) again();
    else if (ours) connect();
    else end();
}

function connect() {
    const address = new URL('websockify', location.href);
    address.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
    address.search = address.hash = '';
    const socket = new WebSocket(address, ['session.' + nonce]);
    const rfb = new RFB(screen, socket, { shared: true });
    // What moves comes coarse, in few bytes; as soon as it stands still the X server sends it again with losses that nobody sees.
    rfb.qualityLevel = 2;
    rfb.compressionLevel = 5;
    rfb.focusOnClick = false;  // keys go through a field of ours
    rfb.background = '#202124';
    const one = connection = { rfb, heardAt: Date.now() };
    one.timer = setTimeout(() => hangUp(one), openMs);
    socket.addEventListener('message', () => { one.heardAt = Date.now(); });
    rfb.addEventListener('connect', () => {
        if (connection !== one) return;
        clearTimeout(one.timer);
        lostAt = null;
        pauseMs = firstPauseMs;
        show('connected');
        view.place();
        rfb.scaleViewport = true;
        clipboard.start(rfb);
        typing.start(rfb);
        typing.focus();
    });
    rfb.addEventListener('disconnect', () => lost(one));
}

// A connection on which nothing comes is over, though nobody has closed it; its own end, if it comes, is waited for by nobody.
function hangUp(one) {
    lost(one);
    one.rfb.disconnect();
}

function look(limitMs) {
    if (connection && lostAt === null && longerThan(connection.heardAt, limitMs)) hangUp(connection);
}

function comeBack() {
    if (document.hidden) return;
    look(suspectMs);
    if (retry === null) return;
    clearTimeout(retry);
    pauseMs = firstPauseMs;
    attempt();
}

// Before noVNC, which keeps the pointer's events from everybody else. A finger calls no keyboard up.
addEventListener('pointerdown', (event) => {
    if (!screen.contains(event.target)) return;
    typing.pointer(event);
    if (event.pointerType === 'mouse') setTimeout(typing.focus);
}, true);
setInterval(() => look(silenceMs), 5000);
addEventListener('online', comeBack);
addEventListener('pageshow', comeBack);
document.addEventListener('visibilitychange', comeBack);

// What index.html has found out: whether this page may enter at all.
if (document.documentElement.dataset.state === 'ended') {
    end();
} else {
    show('connecting', [['pt-BR', 'Conectando…'], ['en', 'Connecting…']]);
    connect();
}
