# Builds the daemon, its tests and what they need. "make help" lists the targets.
# Three compilations live side by side under build/: release (the program), debug (unit tests), asan and tsan (sanitizers).
# Every .cc file in its folder is found by itself: a new file needs no line here.

.DEFAULT_GOAL := all
.SUFFIXES:
.DELETE_ON_ERROR:

# ---- deps comes before everything else -------------------------------------------------------------------------------
# It installs what configure looks for. So when it is asked for, the other targets run in a second make, once it is done.
ifneq (,$(filter deps,$(MAKECMDGOALS)))

source := $(dir $(lastword $(MAKEFILE_LIST)))
later := $(filter-out deps,$(MAKECMDGOALS))
.PHONY: deps $(later)
deps: ## install what building and testing need (as root), start the Docker engine, make the images
	$(source)init/deps.sh $(if $(filter fuzz,$(later)),fuzz,test)
	$(source)init/engine.sh
ifeq (,$(later))
	$(source)image/build.sh
	$(source)tests/tiny-image/build.sh
else
# Beside the compiler, where make has more jobs than one: an image waits for the network and the disk most of the time.
$(firstword $(later)): deps
	+$(MAKE) image tiny-image $(later)
$(filter-out $(firstword $(later)),$(later)): $(firstword $(later)) ;
endif

else

# ---- what configure found --------------------------------------------------------------------------------------------
# Made by itself with configure's defaults when nobody ran it; these targets do without.
goals_without := help clean distclean image tiny-image bootstrap
ifneq (,$(filter-out $(goals_without),$(or $(MAKECMDGOALS),all)))
include config.mak
endif
srcdir ?= $(patsubst %/,%,$(dir $(lastword $(filter %Makefile,$(MAKEFILE_LIST)))))

config.mak: $(srcdir)/config.mak.in $(srcdir)/configure
	@if test -x config.status; then ./config.status --recheck && ./config.status; else $(srcdir)/configure; fi

.PHONY: bootstrap
bootstrap: ## make the configure script anew after a change of configure.ac (needs autoconf)
	cd $(srcdir) && autoconf && rm -rf autom4te.cache configure~

# ---- flags -----------------------------------------------------------------------------------------------------------
includes := -I$(srcdir)/include -I$(srcdir)/tests -I$(srcdir)
warnings := -Wall -Wextra -Wshadow -Wconversion -Werror
base_flags := -std=c++20 $(warnings) -pthread -D_GLIBCXX_ASSERTIONS \
  -DVNC_ORCHESTRATOR_VERSION='"$(version)"' $(includes) \
  $(libevent_cflags) $(jansson_cflags) $(libcurl_cflags) $(libcrypto_cflags)
hardened := -fstack-protector-strong -fstack-clash-protection -fPIE

release_flags := -O2 -g -DNDEBUG -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 $(hardened)
release_link := -pie -Wl,-z,relro,-z,now
debug_flags := -O1 -g
asan_flags := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
asan_link := -fsanitize=address,undefined
tsan_flags := -O1 -g -fsanitize=thread
tsan_link := -fsanitize=thread

modes := release debug asan tsan

V ?= 0
quiet = $(if $(filter 1,$(V)),,@printf '  %-4s %s\n' $(1) $(patsubst $(CURDIR)/%,%,$@);)

# ---- sources ---------------------------------------------------------------------------------------------------------
sources = $(patsubst $(srcdir)/%,%,$(wildcard $(addprefix $(srcdir)/,$(1))))
objects = $(patsubst %.cc,build/$(1)/%.o,$(call sources,$(2)))

# A folder of tests: each *_test.cc is a program, every other .cc is linked into all of them.
tests_in = $(patsubst %.cc,%,$(call sources,tests/$(1)/*_test.cc))
helpers_in = $(filter-out %_test.cc,$(call sources,tests/$(1)/*.cc))

unit_kinds := core codec io sim

# What each kind of test is linked with, and nothing else: that core needs no libevent, curl, jansson or png is
# proved by the linker. (Threads and clocks hide in the C library: tests/lint/purity.sh looks for those.)
parts_core := src/core/*.cc
parts_sim := src/core/*.cc
parts_codec := src/core/*.cc src/codec/*.cc
parts_io := src/core/*.cc src/codec/*.cc src/io/*.cc
parts_e2e := tests/support/*.cc src/core/*.cc src/codec/*.cc
parts_image := $(parts_e2e)
parts_soak := $(parts_e2e)
parts_faults := $(parts_e2e)
libs_core := $(cmocka_libs)
libs_sim := $(cmocka_libs)
libs_codec := $(cmocka_libs) $(jansson_libs)
libs_io := $(cmocka_libs) $(jansson_libs) $(libevent_libs) $(libcurl_libs) $(libcrypto_libs)
libs_e2e := $(libs_io) $(libpng_libs) $(xcb_libs)
libs_image := $(libs_e2e)
libs_soak := $(libs_e2e)
libs_faults := $(libs_e2e)

# ---- the program -----------------------------------------------------------------------------------------------------
.PHONY: all
all: vnc-orchestrator ## build ./vnc-orchestrator (the default)

daemon_objects = $(call objects,$(1),src/*.cc src/*/*.cc)
libs_daemon := $(libevent_libs) $(jansson_libs) $(libcurl_libs) $(libcrypto_libs)

vnc-orchestrator: build/release/vnc-orchestrator
	@ln -f $< $@ 2>/dev/null || cp -f $< $@

# ---- how things are made, in each mode -------------------------------------------------------------------------------
define mode_rules
build/$(1)/%.o: $(srcdir)/%.cc config.mak
	@mkdir -p $$(@D)
	$$(call quiet,CXX)$$(CXX) $(base_flags) $($(1)_flags) $$(test_cflags) $(CPPFLAGS) $(CXXFLAGS) -MMD -MP -c -o $$@ $$<

build/$(1)/tests/%.o build/$(1)/bench/%.o: test_cflags = $(cmocka_cflags) $(libpng_cflags) $(xcb_cflags)

build/$(1)/vnc-orchestrator: $(call daemon_objects,$(1))
	@test -n "$$^" || { echo "no sources in $(srcdir)/src" >&2; exit 1; }
	$$(call quiet,LINK)$$(CXX) $($(1)_flags) -pthread $($(1)_link) $(LDFLAGS) -Wl,--as-needed -o $$@ $$^ $(libs_daemon)

-include $(patsubst %.o,%.d,$(call objects,$(1),src/*.cc src/*/*.cc tests/*/*.cc bench/*/*.cc))
endef
$(foreach mode,$(modes),$(eval $(call mode_rules,$(mode))))

# (mode, kind)
define test_rules
$(addprefix build/$(1)/,$(call tests_in,$(2))): %: %.o \
  $(patsubst %.cc,build/$(1)/%.o,$(call helpers_in,$(2)) $(call sources,$(parts_$(2))))
	$$(call quiet,LINK)$$(CXX) $($(1)_flags) -pthread $($(1)_link) $(LDFLAGS) -Wl,--as-needed -o $$@ $$^ $(libs_$(2))
endef
$(foreach mode,debug asan tsan,$(foreach kind,$(unit_kinds) e2e image soak faults,$(eval $(call test_rules,$(mode),$(kind)))))

# A program that tests and figures start in place of an engine.
define standin_rules
build/$(1)/tests/standin/standin_engine: $(call objects,$(1),tests/standin/*.cc)
	$$(call quiet,LINK)$$(CXX) $($(1)_flags) -pthread $($(1)_link) $(LDFLAGS) -Wl,--as-needed -o $$@ $$^ $(jansson_libs) $(libevent_libs)
endef
$(foreach mode,release debug,$(eval $(call standin_rules,$(mode))))
build/debug/tests/e2e/overload_test: | build/debug/tests/standin/standin_engine

# Objects are kept, since one serves many tests.
.SECONDARY:

# ---- tests -----------------------------------------------------------------------------------------------------------
# Each suite is a list of programs and scripts for tests/run.sh, which counts them all in its last line.
programs = $(foreach kind,$(2),$(addprefix build/$(1)/,$(call tests_in,$(kind))))
unit_tests := $(call programs,debug,$(unit_kinds))
e2e_tests := $(call programs,debug,e2e)
image_tests := $(call programs,debug,image)
replay_test := build/asan/tests/fuzz/replay_test
script_tests := $(call sources,tests/scripts/*_test.sh)
# They wait most of the time, so they run beside the others.
patient_tests := $(filter %/viewers_test %/proxy_test %/reconnect_test %/old_tab_test %/hanging_page_test %/firewall_test,$(e2e_tests) $(image_tests))
drift_tests := $(call sources,$(patsubst %,tests/lint/%,includes.sh purity.sh settings.sh guarantees.sh man.sh messages.py translations.sh))

run_tests = @VNC_DAEMON=$(abspath $(or $(1),vnc-orchestrator)) VNC_BUILD=$(CURDIR) $(srcdir)/tests/run.sh

.PHONY: have-test-libs
have-test-libs:
ifneq (,$(strip $(missing_for_tests)))
	@echo "the tests need: $(missing_for_tests) (sudo make deps, then ./configure)" >&2; exit 1
endif

.PHONY: check check-unit check-e2e check-image check-scripts check-drift $(unit_kinds:%=check-%)
check: all have-test-libs $(unit_tests) $(replay_test) $(e2e_tests) $(image_tests) tiny-image image ## run every test, unit to browser
	$(call run_tests) $(filter-out $(patient_tests),$(drift_tests) $(unit_tests) $(replay_test) $(e2e_tests) $(script_tests) $(image_tests)) -- $(patient_tests)

check-unit: have-test-libs $(unit_tests) $(replay_test) ## core, codec, io, sim and the inputs that fuzzing keeps: fast, no engine needed
	$(call run_tests) $(unit_tests) $(replay_test)

define kind_rules
check-$(1): have-test-libs $(call programs,debug,$(1))
	$$(call run_tests) $(call programs,debug,$(1))
endef
$(foreach kind,$(unit_kinds),$(eval $(call kind_rules,$(kind))))

check-e2e: all have-test-libs $(e2e_tests) tiny-image ## the daemon on a real engine, with a tiny image
	$(call run_tests) $(e2e_tests)

check-image: all have-test-libs $(image_tests) image ## the session image, seen through a browser
	$(call run_tests) $(image_tests)

check-scripts: all tiny-image ## start.sh, the init script, configure and make install, as an operator uses them
	$(call run_tests) $(script_tests)

check-drift: all ## include rules, purity of the core; settings, messages and manual against the pages, Portuguese against English
	$(call run_tests) $(drift_tests)

.PHONY: asan tsan asan-unit tsan-unit
asan: $(e2e_tests) ## unit and end-to-end tests under the address and undefined-behaviour sanitizers
tsan: $(e2e_tests) ## the same under the thread sanitizer
asan-unit: ## the unit tests alone under the address and undefined-behaviour sanitizers
tsan: export TSAN_OPTIONS = suppressions=$(abspath $(srcdir)/tests/tsan.supp)
tsan-unit: ## the unit tests alone under the thread sanitizer

define sanitizer_rules
$(1): have-test-libs build/$(1)/vnc-orchestrator $(call programs,$(1),$(unit_kinds)) tiny-image
	$$(call run_tests,build/$(1)/vnc-orchestrator) $(call programs,$(1),$(unit_kinds)) $(e2e_tests)

$(1)-unit: have-test-libs $(call programs,$(1),$(unit_kinds))
	$$(call run_tests) $(call programs,$(1),$(unit_kinds))
endef
$(foreach mode,asan tsan,$(eval $(call sanitizer_rules,$(mode))))

# ---- simulation ------------------------------------------------------------------------------------------------------
# The core in a modelled world (tests/sim): optimized for many schedules, instrumented to see what they reach.
coverage_flags := -O0 -g -DNDEBUG -fno-exceptions --coverage
coverage_link := --coverage
$(eval $(call mode_rules,coverage))
build/coverage/tests/%.o: test_cflags = $(cmocka_cflags) -O2 -fno-profile-arcs -fno-test-coverage
$(foreach mode,release coverage,$(eval $(call test_rules,$(mode),sim)))

SEEDS ?= 200000
FIRST_SEED ?= 1
.PHONY: sim coverage mutants
sim: have-test-libs build/release/tests/sim/sim_test ## the core in a modelled world: SEEDS=1000000 FIRST_SEED=1
	build/release/tests/sim/sim_test --seeds $(SEEDS) --first $(FIRST_SEED) --moves

coverage: have-test-libs build/coverage/tests/sim/sim_test ## what the simulation alone reaches of the core
	$(srcdir)/tests/sim/coverage.sh build/coverage

mutants: have-test-libs ## small defects put into core, codec and store, one at a time: the tests find each of them
	$(srcdir)/tests/mutants/run.sh $(CURDIR)

# ---- fuzzing ---------------------------------------------------------------------------------------------------------
# One target for each door by which something comes in from outside (tests/fuzz/*_fuzz.cc). libFuzzer comes with clang; the inputs that
# are kept are replayed with the compiler of everything else, as one of the tests.
FUZZ_CXX ?= clang++
SECONDS ?= 60
parts_fuzz := src/core/names.cc src/codec/*.cc src/daemon/routes.cc src/daemon/translate.cc src/io/httpd_target.cc src/io/docker_http.cc src/io/docker_tls.cc \
  tests/support/harmless.cc
libs_fuzz := $(libs_io)
fuzz_flags := -O2 -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION -gline-tables-only -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
fuzz_link := -fsanitize=fuzzer
$(eval $(call mode_rules,fuzz))
build/fuzz/%: CXX = $(FUZZ_CXX)
$(eval $(call test_rules,asan,fuzz))
fuzz_targets := $(patsubst %.cc,build/fuzz/%,$(call sources,tests/fuzz/*_fuzz.cc))
$(fuzz_targets): %: %.o build/fuzz/tests/fuzz/fuzz.o $(patsubst %.cc,build/fuzz/%.o,$(call sources,$(parts_fuzz)))
	$(call quiet,LINK)$(CXX) $(fuzz_flags) -pthread $(fuzz_link) $(LDFLAGS) -Wl,--as-needed -o $@ $^ $(libs_fuzz)

.PHONY: fuzz
fuzz: $(fuzz_targets) ## libFuzzer on each door in turn (needs clang: init/deps.sh fuzz): SECONDS=60 each, TARGETS="state dotenv"
	$(srcdir)/tests/fuzz/run.sh $(CURDIR) $(SECONDS) $(TARGETS)

# ---- the long run ----------------------------------------------------------------------------------------------------
MINUTES ?= 60
.PHONY: soak
soak: all have-test-libs build/debug/tests/soak/soak_test tiny-image ## a working day in miniature, again and again: MINUTES=60
	VNC_DAEMON=$(abspath vnc-orchestrator) SOAK_MINUTES=$(MINUTES) build/debug/tests/soak/soak_test

# ---- benchmarks ------------------------------------------------------------------------------------------------------
build/release/bench/session/session_bench: $(call objects,release,bench/session/*.cc bench/support/*.cc tests/image/stage.cc $(parts_image))
	$(call quiet,LINK)$(CXX) $(release_flags) -pthread $(release_link) $(LDFLAGS) -Wl,--as-needed -o $@ $^ $(libs_image)

build/release/bench/daemon/daemon_bench: $(call objects,release,bench/daemon/*.cc bench/support/*.cc $(parts_e2e)) \
  | build/release/bench/baseline/bare_http build/release/bench/baseline/idle build/release/bench/baseline/count_malloc.so \
  build/release/tests/standin/standin_engine
	$(call quiet,LINK)$(CXX) $(release_flags) -pthread $(release_link) $(LDFLAGS) -Wl,--as-needed -o $@ $^ $(libs_e2e)

build/release/bench/baseline/%: build/release/bench/baseline/%.o
	$(call quiet,LINK)$(CXX) $(release_flags) -pthread $(release_link) $(LDFLAGS) -Wl,--as-needed -o $@ $^ $(libevent_libs) $(libcurl_libs)

build/release/bench/baseline/%.so: $(srcdir)/bench/baseline/%.cc
	@mkdir -p $(@D)
	$(call quiet,LINK)$(CXX) -std=c++20 -O2 $(warnings) -fPIC -shared -o $@ $<

ROW ?=
BENCH_ROUNDS ?= 5
.PHONY: bench
bench: all have-test-libs build/release/bench/daemon/daemon_bench tiny-image image ## the daemon beside what bounds it, row by row: BENCH_ROUNDS=5 ROW=reuse
	VNC_DAEMON=$(abspath vnc-orchestrator) BENCH_ROUNDS=$(BENCH_ROUNDS) ROW='$(ROW)' build/release/bench/daemon/daemon_bench

build/release/bench/viewers/viewers_bench: $(call objects,release,bench/viewers/*.cc bench/daemon/stand.cc bench/daemon/idler.cc bench/support/*.cc $(parts_e2e)) \
  | build/release/tests/standin/standin_engine
	$(call quiet,LINK)$(CXX) $(release_flags) -pthread $(release_link) $(LDFLAGS) -Wl,--as-needed -o $@ $^ $(libs_e2e)

.PHONY: bench-viewers
bench-viewers: all have-test-libs build/release/bench/viewers/viewers_bench tiny-image ## what it costs to know who watches 1,000 sessions, and how soon it is known: ROW=delay
	VNC_DAEMON=$(abspath vnc-orchestrator) BENCH_ROUNDS=$(BENCH_ROUNDS) ROW='$(ROW)' build/release/bench/viewers/viewers_bench

.PHONY: bench-session
bench-session: have-test-libs build/release/bench/session/session_bench image ## the session image beside a stock one, row by row: BENCH_ROUNDS=5 ROW=start
	docker build -q -t localhost/vnc-orchestrator-stock:latest $(srcdir)/bench/session/stock
	BENCH_ROUNDS=$(BENCH_ROUNDS) ROW='$(ROW)' build/release/bench/session/session_bench

.PHONY: plots
plots: ## the plots in docs/ from what the last whole "make bench" left in bench/out
	for plot in $(srcdir)/bench/plots/*.gp; do gnuplot -e 'in="bench/out"; out="$(srcdir)/docs"' $$plot || exit 1; done

build/release/bench/pool/pool_bench: $(call objects,release,bench/pool/*.cc src/core/foresight.cc)
	$(call quiet,LINK)$(CXX) $(release_flags) -pthread $(release_link) $(LDFLAGS) -Wl,--as-needed -o $@ $^

.PHONY: bench-pool
bench-pool: build/release/bench/pool/pool_bench ## the pool's foresight beside fixed sizes, over weeks of made-up work: BENCH_SEEDS=5
	build/release/bench/pool/pool_bench

# ---- overload --------------------------------------------------------------------------------------------------------
.PHONY: overload
overload: all have-test-libs build/debug/tests/e2e/overload_test tiny-image ## thousands of connections and clients at once, at full length, with a report
	@rm -f build/overload.md
	VNC_DAEMON=$(abspath vnc-orchestrator) FAULTS_REPORT=$(CURDIR)/build/overload.md build/debug/tests/e2e/overload_test
	@cat build/overload.md

# ---- the real thing broken -------------------------------------------------------------------------------------------
# Those of the end-to-end tests that report figures, at full length, and those too long for `make check`; their table is printed at the end.
ROUNDS ?= 200
SEED ?=
fault_tests := $(addprefix build/debug/tests/e2e/,crash_test proxy_test hands_test disk_test combined_test) $(call programs,debug,faults)
faults_report := build/faults.md
.PHONY: faults
faults: export FAULTS_REPORT = $(abspath $(faults_report))
faults: export TEST_TIMEOUT_SECONDS = 7200
faults: all have-test-libs $(fault_tests) tiny-image ## daemon, engine, disk and containers broken: ROUNDS=200 SEED=...
	@rm -f $(faults_report)
	@SEED=$(or $(SEED),$$(date +%s)); export SEED ROUNDS=$(ROUNDS); status=0; \
	  VNC_DAEMON=$(abspath vnc-orchestrator) VNC_BUILD=$(CURDIR) $(srcdir)/tests/run.sh $(fault_tests) || status=1; \
	  printf '\n| fault | who asked was told | who had what they need | well again | and |\n|---|---|---|---|---|\n'; \
	  cat $(faults_report); exit $$status

# ---- reading the code ------------------------------------------------------------------------------------------------
all_cc := $(call sources,src/*.cc src/*/*.cc tests/*/*.cc bench/*/*.cc)
all_code := $(all_cc) $(call sources,include/*/*.h tests/*/*.h src/*/*.h bench/*/*.h)

.PHONY: man lint format format-check
man: all ## write settings and version into the manual pages
	VNC_DAEMON=$(abspath vnc-orchestrator) $(srcdir)/docs/man/write.sh

lint: all ## shellcheck, clang-tidy, include rules, settings against the pages, configure up to date: no findings
	$(call run_tests) $(drift_tests) $(call sources,tests/lint/shell.sh tests/lint/configure.sh tests/lint/tidy.sh)
# For tidy.sh.
lint: export CXX_FLAGS = $(filter-out -Werror,$(base_flags)) $(cmocka_cflags) $(libpng_cflags) $(xcb_cflags)

format: ## lay out the code as .clang-format says
	cd $(srcdir) && clang-format -i $(all_code)

format-check: ## say where the layout differs from .clang-format
	cd $(srcdir) && clang-format --dry-run -Werror $(all_code)

# ---- images ----------------------------------------------------------------------------------------------------------
.PHONY: image tiny-image
image: ## build the session image (needs the Docker engine)
	$(srcdir)/image/build.sh

tiny-image: ## build the small image that the end-to-end tests use in its place
	$(srcdir)/tests/tiny-image/build.sh

# ---- install ---------------------------------------------------------------------------------------------------------
# A system-wide daemon has its settings in /etc and its state in /var, whatever the GNU default for /usr/local says.
ifneq (,$(filter /usr /usr/local,$(prefix)))
ifeq ($(sysconfdir),$(prefix)/etc)
sysconfdir := /etc
endif
ifeq ($(localstatedir),$(prefix)/var)
localstatedir := /var
endif
endif
INSTALL ?= install
name := vnc-orchestrator
unitdir = $(prefix)/lib/systemd/system
confdir = $(sysconfdir)/$(name)
statedir = $(localstatedir)/lib/$(name)
logdir = $(localstatedir)/log/$(name)
sharedir = $(datadir)/$(name)
daemon_user := vnc-orchestrator
pages = $(call sources,README.md README.pt-BR.md CHANGELOG.md docs/*.md docs/openapi.yaml)
monitoring = $(call sources,docs/monitoring/alerts.yml docs/monitoring/grafana-dashboard.json)
# man8/vnc-orchestrator.8, pt_BR/man8/vnc-orchestrator.8 ...: where man looks for them, of docs/man/[LANGUAGE/]PAGE.SECTION
manuals = $(call sources,docs/man/*.[58] docs/man/*/*.[58])
manual_path = $(mandir)/$(patsubst docs/man/%,%,$(dir $(1)))man$(subst .,,$(suffix $(1)))/$(notdir $(1))
fill_paths = sed -e 's|@sbindir@|$(sbindir)|g' -e 's|@confdir@|$(confdir)|g' -e 's|@statedir@|$(statedir)|g' \
  -e 's|@logdir@|$(logdir)|g' -e 's|@runstatedir@|$(runstatedir)|g' -e 's|@sysconfdir@|$(sysconfdir)|g' -e 's|@docdir@|$(docdir)|g' \
  -e 's|@datadir@|$(datadir)|g' -e 's|@user@|$(daemon_user)|g'

.PHONY: install uninstall
install: all ## install the daemon, its init script, systemd unit, settings and pages (DESTDIR=, prefix=)
	$(INSTALL) -d $(addprefix $(DESTDIR),$(sbindir) $(confdir) $(sysconfdir)/init.d $(unitdir) $(docdir)/monitoring $(sharedir) $(logdir))
	$(INSTALL) -d -m 0700 $(DESTDIR)$(statedir)
	$(INSTALL) -m 0755 vnc-orchestrator $(DESTDIR)$(sbindir)/$(name)
	$(fill_paths) $(srcdir)/init/$(name) > $(DESTDIR)$(sysconfdir)/init.d/$(name)
	chmod 0755 $(DESTDIR)$(sysconfdir)/init.d/$(name)
	$(fill_paths) $(srcdir)/init/$(name).service > $(DESTDIR)$(unitdir)/$(name).service
	chmod 0644 $(DESTDIR)$(unitdir)/$(name).service
	test -e $(DESTDIR)$(confdir)/$(name).env || { $(INSTALL) -m 0640 /dev/null $(DESTDIR)$(confdir)/$(name).env && \
	  sed -e 's|^STATE_FILE=.*|STATE_FILE=$(statedir)/state.json|' -e 's|^LOG_DIR=.*|LOG_DIR=$(logdir)|' \
	    $(srcdir)/.env.example > $(DESTDIR)$(confdir)/$(name).env; }
	ln -sfn $(confdir)/$(name).env $(DESTDIR)$(statedir)/.env
	$(INSTALL) -m 0644 $(addprefix $(srcdir)/,$(pages)) $(DESTDIR)$(docdir)
	$(INSTALL) -m 0644 $(addprefix $(srcdir)/,$(monitoring)) $(DESTDIR)$(docdir)/monitoring
	$(foreach manual,$(manuals),$(INSTALL) -D -m 0644 $(srcdir)/$(manual) $(DESTDIR)$(call manual_path,$(manual)) &&) true
	$(INSTALL) -m 0755 $(srcdir)/init/user.sh $(DESTDIR)$(sharedir)
	echo $(version) > $(DESTDIR)$(sharedir)/VERSION
	rm -rf $(DESTDIR)$(sharedir)/image && cp -R --preserve=mode $(srcdir)/image $(DESTDIR)$(sharedir)/image
ifeq ($(DESTDIR),)
	@if test "$$(id -u)" -eq 0; then $(srcdir)/init/user.sh $(daemon_user) $(statedir) $(logdir) $(confdir)/$(name).env; \
	  else echo 'Type, as root: $(sharedir)/user.sh $(daemon_user) $(statedir) $(logdir) $(confdir)/$(name).env'; fi
endif

uninstall: ## remove what install put there; settings, state, logs and the user stay
	rm -f $(addprefix $(DESTDIR),$(sbindir)/$(name) $(sysconfdir)/init.d/$(name) $(unitdir)/$(name).service)
	rm -f $(addprefix $(DESTDIR)$(docdir)/,$(notdir $(pages))) $(foreach manual,$(manuals),$(DESTDIR)$(call manual_path,$(manual)))
	rm -rf $(DESTDIR)$(sharedir) $(DESTDIR)$(docdir)/monitoring
	rmdir $(DESTDIR)$(docdir) 2>/dev/null || true

.PHONY: deb
deb: ## build the Debian package into build/deb (needs debhelper)
	$(srcdir)/packaging/build-deb.sh build/deb $(version)

# ---- clean -----------------------------------------------------------------------------------------------------------
.PHONY: clean distclean
clean: ## remove what was built
	rm -rf build vnc-orchestrator tests/out bench/out

distclean: clean ## remove what configure made, too
	rm -rf config.mak config.log config.status autom4te.cache
	@if test ! -e configure.ac; then rm -f Makefile; fi

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(lastword $(filter %Makefile,$(MAKEFILE_LIST))) | \
	  sed -e 's/:.*## /\t/' | awk -F '\t' '{printf "  make %-15s %s\n", $$1, $$2}'

endif
