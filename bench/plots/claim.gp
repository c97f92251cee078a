# Claim latency against sessions.
set terminal svg size 640,360 font "sans-serif,12" background "white"
set output out."/claim-latency.svg"
set title "Pool claim, request to 302"
set xlabel "sessions in the table"
set ylabel "ms"
set logscale xy
set grid
set key top left
plot in."/claim_p50_ms.dat" using 1:2 with linespoints lw 2 pt 7 title "p50", \
     in."/claim_p99_ms.dat" using 1:2 with linespoints lw 2 pt 7 title "p99"
