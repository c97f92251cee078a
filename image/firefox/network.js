// Runs inside Firefox before its first window, where session-policies has left a network.json: what no policy can do.
// The company's authorities are trusted before the first page asks for one (Firefox's own policy reads them while pages load
// already), and the proxy gets its name and password, which Firefox would ask a person for.
/* globals network */
function trustAuthorities(authorities) {
  const store = Cc["@mozilla.org/security/x509certdb;1"].getService(Ci.nsIX509CertDB);
  for (const certificate of authorities) {
    try {
      store.addCertFromBase64(certificate, "C,,"); // for servers only
    } catch (error) {
      dump("[session] an authority is not accepted: " + error + "\n");
    }
  }
}

function answerProxy({ host, port, name, password }) {
  const isOurs = (itsHost, itsPort) => !host || (itsHost.toLowerCase() === host && itsPort === port);
  // An HTTP proxy asks with a 407. Put in the place where Firefox keeps what a person has typed, the answer is found there. It is
  // thrown away when the proxy does not like it, and then a person is asked.
  const answers = Cc["@mozilla.org/network/http-auth-manager;1"].getService(Ci.nsIHttpAuthManager);
  const onResponse = channel => {
    if (!(channel instanceof Ci.nsIHttpChannel) || channel.responseStatus !== 407) return;
    const proxy = channel.QueryInterface(Ci.nsIProxiedChannel).proxyInfo;
    if (!proxy || !isOurs(proxy.host, proxy.port)) return;
    const challenges = channel.getResponseHeader("Proxy-Authenticate");
    for (const [, type, realm] of challenges.matchAll(/(Basic|Digest)\s[^\n]*?realm="([^"]*)"/gi)) {
      answers.setAuthIdentity("http", proxy.host, proxy.port, type.toLowerCase(), realm, "", "", name, password);
    }
  };
  Services.obs.addObserver(onResponse, "http-on-examine-response");
  // A SOCKS proxy asks at once, and Firefox knows no preference for the answer.
  const proxies = Cc["@mozilla.org/network/protocol-proxy-service;1"].getService(Ci.nsIProtocolProxyService);
  proxies.registerFilter(
    {
      applyFilter(uri, info, callback) {
        const socks = info && info.type === "socks" && isOurs(info.host, info.port);
        callback.onProxyFilterResult(
          socks
            ? proxies.newProxyInfoWithAuth(info.type, info.host, info.port, name, password, "", "", info.flags, info.failoverTimeout, info.failoverProxy)
            : info
        );
      },
    },
    0
  );
}

// Not at once: at this moment Firefox is reading its preferences, and has no certificate store yet.
const atStart = {
  observe() {
    Services.obs.removeObserver(atStart, "profile-after-change");
    try {
      if (network.allow) ChromeUtils.importESModule("chrome://session/content/allow.sys.mjs").allowOnly(network.allow);
    } catch (error) {
      // Rather no browser than an open one; the container does not become healthy then.
      dump("[session] ALLOW_URLS: " + error + "\n");
      Services.startup.quit(Ci.nsIAppStartup.eForceQuit);
    }
    try {
      if (network.authorities) trustAuthorities(network.authorities);
      if (network.proxyLogin) answerProxy(network.proxyLogin);
    } catch (error) {
      dump("[session] network.js: " + error + "\n");
    }
  },
};
Services.obs.addObserver(atStart, "profile-after-change");
