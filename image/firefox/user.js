// Preferences of every session's profile: quiet, small, quick to start. Pages behave as in any Firefox.

// Nothing that asks, tells or comes back after a crash.
user_pref("browser.aboutwelcome.enabled", false);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("browser.startup.homepage_override.mstone", "ignore");
user_pref("browser.tabs.warnOnClose", false);
user_pref("browser.warnOnQuit", false);
user_pref("browser.sessionstore.resume_from_crash", false);
user_pref("browser.sessionstore.max_resumed_crashes", 0);
user_pref("toolkit.startup.max_resumed_crashes", -1);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("datareporting.healthreport.uploadEnabled", false);
user_pref("toolkit.telemetry.unified", false);
user_pref("toolkit.telemetry.enabled", false);
user_pref("app.normandy.enabled", false);
user_pref("app.shield.optoutstudies.enabled", false);
user_pref("full-screen-api.warning.timeout", 0);
user_pref("sidebar.revamp", false);

// No background services: each would cost every session time, memory and connections.
user_pref("browser.region.update.enabled", false);
user_pref("browser.region.network.url", "");
user_pref("browser.search.update", false);
user_pref("browser.topsites.contile.enabled", false);
user_pref("browser.newtabpage.enabled", false);
user_pref("browser.newtab.preload", false);
user_pref("browser.pagethumbnails.capturing_disabled", true);
user_pref("browser.safebrowsing.downloads.remote.enabled", false);
user_pref("dom.push.connection.enabled", false);
user_pref("extensions.getAddons.cache.enabled", false);
user_pref("extensions.systemAddon.update.enabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("network.prefetch-next", false);
user_pref("browser.ml.enable", false);
user_pref("browser.ml.chat.enabled", false);
user_pref("extensions.ml.enabled", false);
user_pref("media.gmp-manager.updateEnabled", false);
user_pref("media.gmp-provider.enabled", false);

// No desktop to offer accessibility to: without it each start asks a bus that is not there.
user_pref("accessibility.force_disabled", 1);

// Few processes: pages of one site at a time is what a kiosk shows. Site isolation and the sandbox stay on.
user_pref("dom.ipc.processCount", 2);
user_pref("dom.ipc.processPrelaunch.enabled", false);
user_pref("dom.ipc.keepProcessesAlive.web", 1);
user_pref("media.rdd-process.enabled", true);
user_pref("browser.sessionhistory.max_total_viewers", 2);
user_pref("browser.cache.disk.capacity", 51200);
user_pref("browser.cache.disk.smart_size.enabled", false);

// What a picture sent over the network should not do: there is no graphics card, and each frame of an animation is bytes.
user_pref("toolkit.cosmeticAnimations.enabled", false);
user_pref("layers.acceleration.disabled", true);
user_pref("gfx.webrender.software", true);
user_pref("webgl.disabled", true);
user_pref("toolkit.legacyUserProfileCustomizations.stylesheets", true);

// The fonts of pages that name none are those of Windows, for which old systems were laid out (see fonts.conf).
user_pref("font.name.serif.x-western", "Liberation Serif");
user_pref("font.name.sans-serif.x-western", "Liberation Sans");
user_pref("font.name.monospace.x-western", "Liberation Mono");
