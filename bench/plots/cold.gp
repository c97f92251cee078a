# A cold start split into its phases.
set terminal svg size 640,240 font "sans-serif,12" background "white"
set output out."/cold-start.svg"
set title "Cold start of one session: when each phase had ended"
set xlabel "ms since the order to the engine"
set style fill solid 0.7
set boxwidth 0.6
set yrange [*:*] reverse
set grid xtics
unset key
last = 0
begin(x) = (since = last, last = x, since)
plot in."/cold_start_ms.dat" using (begin($2)):0:(since):2:($0-0.3):($0+0.3):ytic(1) with boxxyerror lc rgb "#1e90ff"
