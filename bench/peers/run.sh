#!/bin/sh
# Clearhead beside TransformerLens, PyTorch and JAX: same model, data, loss, optimizer and initial
# weights. Makes the virtual environments once, then writes results.md and results.json.
#
#   bench/peers/run.sh                     about half an hour, on a machine with nothing else to do
#   bench/peers/run.sh --quick             a few minutes: does everything work?
#   bench/peers/run.sh --peers jax-loop,torch-fused --n 5 --threads 1     (--help: all options)
#   bench/peers/run.sh models           small models of the field, by models.py (models --help)
#
# CLEARHEAD: the program (build/clearhead); VENVS: folder of the environments (beside this file);
# PYTHON: 3.11, which TransformerLens 2.4.0 and JAX 0.10 both run on.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
clearhead=${CLEARHEAD:-$here/../../build/clearhead}
venvs=${VENVS:-$here}
python=${PYTHON:-python3}

what=compare.py
if [ "${1:-}" = models ]; then
    what=models.py
    shift
fi

# What is asked about the comparison needs nothing of it.
for word; do
    case $word in
    -h | --help) exec "$python" "$here/$what" --help ;;
    esac
done

# Tools that the comparison asks for, by their Debian packages.
for need in time:time taskset:util-linux g++:g++; do
    if ! command -v "${need%%:*}" > /dev/null; then
        echo "run.sh: ${need%%:*} not found: apt-get install ${need##*:}" >&2
        exit 3
    fi
done
if [ ! -x "$clearhead" ]; then
    echo "run.sh: $clearhead not found: make, or set CLEARHEAD" >&2
    exit 3
fi

# An environment is as its requirements say, or made anew.
for name in torch jax; do
    wanted=$here/requirements-$name.txt
    venv=$venvs/.venv-$name
    cmp -s "$wanted" "$venv/requirements.txt" && continue
    echo "run.sh: installing $wanted" >&2
    rm -rf "$venv"
    mkdir -p "$venvs"
    "$python" -m venv "$venv"
    "$venv/bin/pip" install --quiet --requirement "$wanted" >&2
    cp "$wanted" "$venv/requirements.txt"
done

if [ "$what" = models.py ]; then
    exec "$python" "$here/$what" --clearhead "$clearhead" --python "$venvs/.venv-torch/bin/python" \
        --python-jax "$venvs/.venv-jax/bin/python" "$@"
fi
exec "$python" "$here/$what" --clearhead "$clearhead" --venvs "$venvs" "$@"
