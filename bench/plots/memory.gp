# Memory of the idle daemon against sessions.
set terminal svg size 640,360 font "sans-serif,12" background "white"
set output out."/daemon-memory.svg"
set title "Memory of the idle daemon"
set xlabel "sessions"
set ylabel "MiB"
set yrange [0:*]
set grid
set key center right
plot in."/memory_resident_mib.dat" using 1:2 with linespoints lw 2 pt 7 title "resident", \
     in."/memory_private_mib.dat" using 1:2 with linespoints lw 2 pt 7 title "private, dirty"
