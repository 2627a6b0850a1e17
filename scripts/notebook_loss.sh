#!/bin/sh
# The notebook's loss column: ours over 16 seeds, beside the notebook's one draw and the same loop in
# the real PyTorch over 32 (tests/golden/notebook_loss_torch.json), and whether ours and PyTorch's
# are draws from the same distribution: Welch's t on the log of the loss, two-sided, at each epoch.
#
#   scripts/notebook_loss.sh                     # a table in Markdown, in half a minute
#   CLEARHEAD=build/clearhead SEEDS=32 scripts/notebook_loss.sh
set -eu

clearhead=${CLEARHEAD:-build/clearhead}
seeds=${SEEDS:-16}
torch=$(dirname "$0")/../tests/golden/notebook_loss_torch.json
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# Rows "name seed epoch loss": the loss of the first step of each epoch, as the notebook prints it.
seed=0
while [ "$seed" -lt "$seeds" ]; do
    "$clearhead" train --preset notebook --seed "$seed" --out "$folder/run" > /dev/null
    awk -v seed="$seed" '
        /"type": "step"/ {
            match($0, /"epoch": [0-9]+/); epoch = substr($0, RSTART + 9, RLENGTH - 9)
            match($0, /"loss": [-+.e0-9]+/); loss = substr($0, RSTART + 8, RLENGTH - 8)
            if (epoch != last) print "ours", seed, epoch, loss
            last = epoch
        }' "$folder/run/metrics.jsonl"
    rm -r "$folder/run"
    seed=$((seed + 1))
done > "$folder/rows"

# One number a line in that file; "[" opens a list, of which "seeds" holds one for each seed.
awk '
    /"notebook": *\[/ { name = "notebook"; seed = epoch = 0 }
    /"seeds": *\[/ { name = "torch"; seed = -1; next }
    /\[/ { seed++; epoch = 0 }
    name && /^ *[0-9][-+.e0-9]*,? *$/ { gsub(/[ ,]/, ""); print name, seed, ++epoch, $0 }
' "$torch" >> "$folder/rows"

awk -v folder="$folder" '
    # Regularised incomplete beta function by its continued fraction (Lentz; Numerical Recipes 6.4).
    function beta_fraction(a, b, x,    c, d, h, m, up, down) {
        c = 1; d = 1 / (1 - (a + b) * x / (a + 1)); h = d
        for (m = 1; m <= 200; m++) {
            up = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
            d = 1 / (1 + up * d); c = 1 + up / c; h *= d * c
            down = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
            d = 1 / (1 + down * d); c = 1 + down / c; h *= d * c
        }
        return h
    }
    function log_gamma(x,    s) { # Stirling, after moving x above 8
        for (s = 0; x < 8; x++) s -= log(x)
        return s + (x - 0.5) * log(x) - x + 0.918938533204673 + 1 / (12 * x) - 1 / (360 * x ^ 3)
    }
    function beta_part(a, b, x,    front) {
        if (x <= 0 || x >= 1) return x > 0
        front = exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log(x) + b * log(1 - x))
        if (x < (a + 1) / (a + b + 2)) return front * beta_fraction(a, b, x) / a
        return 1 - front * beta_fraction(b, a, 1 - x) / b
    }
    # Welch: sets t and p for means, variances and counts of two samples.
    function welch(m1, v1, n1, m2, v2, n2,    e1, e2, df) {
        e1 = v1 / n1; e2 = v2 / n2
        t = (m1 - m2) / sqrt(e1 + e2)
        df = (e1 + e2) ^ 2 / (e1 ^ 2 / (n1 - 1) + e2 ^ 2 / (n2 - 1))
        p = beta_part(df / 2, 0.5, df / (df + t * t))
    }
    function add(who, epoch, x) { # sums of x, its log, and their squares
        n[who, epoch]++
        s[who, epoch] += x; q[who, epoch] += x * x
        ls[who, epoch] += log(x); lq[who, epoch] += log(x) ^ 2
    }
    function variance(sum, square, count) { return (square - sum * sum / count) / (count - 1) }
    function mean(k) { return s[k] / n[k] }
    function sd(k) { return sqrt(variance(s[k], q[k], n[k])) }
    function compare(epoch,    a, b) { # t, p and ratio of geometric means
        a = "ours" SUBSEP epoch; b = "torch" SUBSEP epoch
        ratio = exp(ls[a] / n[a] - ls[b] / n[b])
        welch(ls[a] / n[a], variance(ls[a], lq[a], n[a]), n[a],
              ls[b] / n[b], variance(ls[b], lq[b], n[b]), n[b])
    }
    {
        add($1, $3, $4)
        if ($3 > epochs) epochs = $3
        # A seed as a whole: the geometric mean of its losses over epochs 2 to 19.
        if ($3 >= 2 && $3 <= 19) { whole[$1, $2] += log($4) / 18; of[$1, $2] = $1 }
    }
    END {
        for (k in whole) add(of[k], "whole", exp(whole[k]))
        print "| epoch | notebook | ours: mean | sd | PyTorch: mean | sd | ours / PyTorch | t | p |"
        print "|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
        for (e = 1; e <= epochs; e++) {
            compare(e)
            if (p < least || !least) { least = p; at = e }
            low += p < 0.05
            printf "| %d | %s | %.6g | %.2g | %.6g | %.2g | %.3f | %.2f | %.3f |\n", e,
                ("notebook", e) in n ? sprintf("%.6g", s["notebook", e]) : "",
                mean("ours" SUBSEP e), sd("ours" SUBSEP e), mean("torch" SUBSEP e),
                sd("torch" SUBSEP e), ratio, t, p
        }
        compare("whole")
        printf "\n%d seeds of ours, %d of PyTorch. ", n["ours", 1], n["torch", 1]
        printf "p below 0.05 at %d of %d epochs; the least, at epoch %d, is %.3f, times %d: %.2f.\n",
            low, epochs, at, least, epochs, least * epochs < 1 ? least * epochs : 1
        printf "Seeds as a whole (geometric mean over epochs 2 to 19): ours / PyTorch %.3f, t = %.2f, p = %.3f;\n",
            ratio, t, p
        x = s["notebook", "whole"]
        printf "the notebook is slower than %d of our %d and %d of the %d of PyTorch.\n",
            below("ours", x), n["ours", 1], below("torch", x), n["torch", 1]
    }
    function below(who, x,    k, count) {
        for (k in whole) count += of[k] == who && exp(whole[k]) < x
        return count + 0
    }' "$folder/rows"
