// ALLOW_URLS: what is not in the list is asked of nobody, whoever wants it: a link, a frame, an image, a script, a socket, or the
// browser itself. Every request of HTTP passes here before a name is looked up for it, also each step of a redirect; what would
// pass by without one is off.

const off = {
  "media.peerconnection.enabled": false, // calls go to addresses that no request names
  "network.webtransport.enabled": false,
  "network.early-hints.preconnect.enabled": false,
  "network.dns.disablePrefetch": true,
  "network.dns.disablePrefetchFromHTTPS": true,
  "network.preconnect": false,
};

const portOf = address => (address.port > 0 ? address.port : address.scheme === "https" ? 443 : 80);

function fits(one, address) {
  const host = address.asciiHost.replace(/^\[|\]$/g, "").replace(/\.$/, "").toLowerCase();
  return (
    (one.scheme === null || one.scheme === address.scheme) &&
    (one.host === null || one.host === host || (one.below && host.endsWith("." + one.host))) &&
    (one.port === null || one.port === portOf(address)) &&
    (one.path === null || one.path.test(address.pathQueryRef.split("#")[0]))
  );
}

export function allowOnly(patterns) {
  const allowed = patterns.map(one => ({ ...one, path: one.path && new RegExp(one.path) }));
  const preferences = Services.prefs.getDefaultBranch("");
  for (const [name, value] of Object.entries(off)) {
    preferences.setBoolPref(name, value);
    Services.prefs.lockPref(name);
  }
  // A connection made beforehand has no request yet.
  preferences.setIntPref("network.http.speculative-parallel-limit", 0);
  Services.prefs.lockPref("network.http.speculative-parallel-limit");
  const observer = {
    observe(channel) {
      const { URI: address } = channel.QueryInterface(Ci.nsIHttpChannel);
      if (allowed.some(one => fits(one, address))) return;
      // The file by which the operator's proxy is found is no page's business, nor a pattern's.
      if (address.spec === Services.prefs.getStringPref("network.proxy.autoconfig_url", "")) return;
      channel.cancel(Cr.NS_ERROR_BLOCKED_BY_POLICY);
    },
  };
  for (const topic of ["http-on-opening-request", "http-on-modify-request"]) Services.obs.addObserver(observer, topic);
}
