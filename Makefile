# Everything in one word; Meson does the work, scripts/setup.sh finds what it needs.
#
#   make            build build/clearhead
#   make run        build, then run the notebook start to end (ARGS='--n 3' for options)
#   make test       build, then run every test (OPTIONS=-Dwerror=true for Meson's options)
#   make fuzz       search for what parsers may not do, with libFuzzer (SECONDS=600; docs/fuzzing.md)
#   make coverage   which branches of the library the tests take, per file, worst first
#   make install    build, then install (DESTDIR for a staging folder)
#   make clean      remove the build

BUILD = build
ARGS =
OPTIONS =
SECONDS = 60

.PHONY: all run test fuzz coverage install clean

all:
	@scripts/setup.sh build
	@test -e $(BUILD)/build.ninja || meson setup $(BUILD) >/dev/null
	@ninja -C $(BUILD) $$(test -t 1 || echo --quiet)

run: all
	@$(BUILD)/clearhead run $(ARGS)

test:
	@scripts/setup.sh test
	@scripts/run_tests.sh $(BUILD) $(OPTIONS)

fuzz:
	@scripts/setup.sh fuzz
	@scripts/fuzz.sh $(SECONDS)

coverage:
	@scripts/setup.sh coverage
	@scripts/coverage.sh

install: all
	@meson install -C $(BUILD) --no-rebuild

clean:
	rm -rf $(BUILD)
