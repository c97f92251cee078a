// Pages as old and new systems make them still work in a session: windows, frames, dialogs, passwords, media, files, and a heavy one.
#include <unistd.h>

#include "image/seat.h"
#include "support/proc.h"

namespace {

constexpr int kWidth = 900, kHeight = 700;
constexpr int kBarMiddle = 15;  // y of the bar that windows opened by pages have

PageServer* pages_of(const Seat& seat) { return seat.stage->pages.get(); }

// Each page tells the server what it sees, and the first window's follow /next.
const char kKit[] =
    "<script>let telling=Promise.resolve();function tell(text){return "
    "telling=telling.then(()=>fetch('/told',{method:'POST',body:text}))}"
    "onerror=(message,where,line)=>{tell('ERROR '+message+' '+line)};"
    "if(top===self&&!opener&&!/new|popup|closes/.test(location.pathname))setInterval(()=>fetch('/next').then(r=>r.text()).then(to=>{"
    "if(to&&to!==location.pathname&&to!==window.going){window.going=to;location.href=to}}).catch(()=>{}),200)</script>";

std::string style(unsigned rgb) {
  char text[80];
  snprintf(text, sizeof text, "<style>html{background:#%06x}body{margin:0}</style>", rgb);
  return text;
}

Page html(unsigned rgb, const std::string& body) {
  Page page;
  page.body = "<!doctype html><meta charset=utf-8><title>Consulta</title>" + style(rgb) + kKit + body;
  return page;
}

void set(const Seat& seat, const std::string& path, const Page& page) { page_server_set(pages_of(seat), path, page); }

void go(const Seat& seat, const std::string& path) {
  Page next;
  next.body = path;
  next.type = "text/plain";
  set(seat, "/next", next);
}

bool was_told(const Seat& seat, const std::string& text) {
  for (const PageRequest& told : page_server_requests(pages_of(seat), "/told")) {
    if (told.body == text) return true;
  }
  return false;
}

std::string all_told(const Seat& seat) {
  std::string all;
  for (const PageRequest& told : page_server_requests(pages_of(seat), "/told")) all += told.body + "\n";
  return all;
}

void wait_told(const Seat& seat, const std::string& text, const At& at = At::current()) {
  bool seen = wait_until(20, [&] { return was_told(seat, text); });
  if (!seen) keep("pages-failed", box_screen(seat.box));
  check_at(seen, "no page says \"" + text + "\"; said was:\n" + all_told(seat), at);
}

void check_no_errors(const Seat& seat, const At& at = At::current()) {
  std::string all = all_told(seat);
  check_at(all.find("ERROR") == std::string::npos, "an error in a page:\n" + all, at);
}

// The session that all of these tests share, led to the page.
Seat seat_on(Stage* stage, const std::string& path, const Page& first) {
  page_server_set(stage->pages.get(), path, first);
  Page next;
  next.body = path;
  page_server_set(stage->pages.get(), "/next", next);
  if (stage->box.name.empty()) {
    stage->box = box_start(stage, "pages", {"-e", "APPNAME=firefox-kiosk " + page_server_url(stage->pages.get(), path),
                                            "-e", "WIDTH=" + std::to_string(kWidth), "-e",
                                            "HEIGHT=" + std::to_string(kHeight), "--add-host",
                                            "outro.test:" + stage->fixture->gateway});
    box_wait_healthy(stage->box);
  }
  return seat_at(stage, stage->box);
}

// Until so much of the screen has the colour, and no less; the picture is kept for people.
void wait_share(const Seat& seat, unsigned rgb, double least, double most, const std::string& name,
                const At& at = At::current()) {
  Picture picture;
  bool seen = wait_until(20, [&] {
    if (!rfb_frame(seat.rfb.get(), &picture)) return false;
    double share = picture_share(picture, rgb);
    return share >= least && share <= most;
  });
  keep("pages-" + name, picture);
  check_at(
      seen,
      "not on the screen: tests/out/image/pages-" + name + ".png; share " + std::to_string(picture_share(picture, rgb)),
      at);
}

void click(const Seat& seat, int x, int y) { check_at(rfb_click(seat.rfb.get(), x, y), "VNC broke"); }
void press(const Seat& seat, const std::string& keys) { check_at(rfb_press(seat.rfb.get(), keys), "VNC broke"); }
void type(const Seat& seat, const std::string& text) { check_at(rfb_type(seat.rfb.get(), text), "VNC broke"); }

void hold(const Seat& seat, const std::string& key, bool down) { check_at(rfb_hold(seat.rfb.get(), key, down), "VNC broke"); }

// A page that has told of itself need not be where the mouse meets it yet: again until it answers.
void click_until_told(const Seat& seat, int x, int y, const std::string& text, const At& at = At::current()) {
  for (int tries = 0; tries < 10 && !was_told(seat, text); ++tries) {
    click(seat, x, y);
    wait_until(2, [&] { return was_told(seat, text); });
  }
  wait_told(seat, text, at);
}

void press_until_told(const Seat& seat, const std::string& keys, const std::string& text, const At& at = At::current()) {
  for (int tries = 0; tries < 10 && !was_told(seat, text); ++tries) {
    press(seat, keys);
    wait_until(2, [&] { return was_told(seat, text); });
  }
  wait_told(seat, text, at);
}

const char kButton[] = "<button style='position:absolute;left:0;top:40px;width:200px;height:60px' onclick=\"";

// ---- windows ------------------------------------------------------------------------------------------------------------

void windows_that_pages_open_work_and_have_a_way_back(void** state) {
  Stage* stage = stage_of(state);
  const std::string opens =
      "open('/popup','busca','width=400,height=300,left=50,top=50,menubar=no,toolbar=no,status=no')";
  page_server_set(
      stage->pages.get(), "/popup",
      html(
          kRed,
          "<script>onload=()=>{tell('popup '+!!opener+' '+(innerWidth>=400)+' '+name);opener.chosen('Ana')}</script>"));
  Seat seat = seat_on(stage, "/",
                        html(kBlue,
                             "<script>function chosen(name){tell('chosen '+name)}"
                             "onload=()=>tell('without a click '+!!" +
                                 opens + ")</script>"));
  wait_told(seat, "without a click true");
  wait_told(seat, "popup true true busca");
  wait_told(seat, "chosen Ana");
  wait_share(seat, kRed, 0.9, 1, "popup");
  // The bar above it closes it, and what opened it is there again.
  click(seat, kWidth - 40, kBarMiddle);
  wait_share(seat, kBlue, 0.95, 1, "popup-closed");

  // Upon a click, closed by itself once it has told its opener.
  set(seat, "/click",
      html(kGreen, std::string(kButton) + "w=open('/closes','','width=300,height=200,resizable=yes')\">abrir</button>"
                                          "<script>function back(text){tell('back '+text+' "
                                          "'+w.closed);setTimeout(()=>tell('closed '+w.closed),1000)}</script>"));
  set(seat, "/closes", html(kRed, "<script>onload=()=>{opener.back('João');close()}</script>"));
  go(seat, "/click");
  wait_share(seat, kGreen, 0.9, 1, "click");
  click(seat, 100, 70);
  wait_told(seat, "back João false");
  wait_told(seat, "closed true");
  wait_share(seat, kGreen, 0.9, 1, "closed-by-itself");

  // A link into a window of its own: no tab without a tab bar, and Ctrl+W leads back as in any browser.
  set(seat, "/link", html(kBlue, "<a href=/new target=_blank style='display:block;height:200px'>relatório</a>"
                            "<a href=/new-tab style='display:block;height:200px'>guia</a>"));
  set(seat, "/new", html(kRed, "<script>onload=()=>tell('new window')</script>"));
  go(seat, "/link");
  wait_share(seat, kBlue, 0.9, 1, "link");
  click_until_told(seat, 40, 8, "new window");
  wait_share(seat, kRed, 0.9, 0.97, "new-window");
  press(seat, "Ctrl+W");
  wait_share(seat, kBlue, 0.9, 1, "new-window-closed");

  // Opened with Ctrl it is in front as well, and the bar leads back; then the start page has none again.
  set(seat, "/new-tab", html(kGreen, "<script>onload=()=>tell('new tab')</script>"));
  hold(seat, "Ctrl", true);
  usleep(300000);  // a click may overtake a key on its way through the browser
  click(seat, 40, 208);
  wait_told(seat, "new tab");
  hold(seat, "Ctrl", false);
  wait_share(seat, kGreen, 0.9, 0.97, "new-tab");
  click(seat, kWidth - 40, kBarMiddle);
  wait_share(seat, kBlue, 0.98, 1, "new-tab-closed");

  // Another site needs the click.
  const std::string url = page_server_url(stage->pages.get(), "/other");
  set(seat, "/other-site",
      html(kGreen, "<script>location.href='http://outro.test" + url.substr(url.rfind(':')) + "'</script>"));
  set(seat, "/other",
      html(kGreen,
           "<script>onload=()=>tell(location.hostname+' '+!!open('/popup','','width=300,height=200'))</script>"));
  go(seat, "/other-site");
  wait_told(seat, "outro.test false");
  check_no_errors(seat);
}

// ---- frames, dialogs, passwords ------------------------------------------------------------------------------------------

void frames_dialogs_and_passwords_work(void** state) {
  Stage* stage = stage_of(state);
  Page frames;
  frames.body = std::string("<html><head><title>quadros</title>") + kKit +
                "</head><frameset cols='30%,*' onload='frames.menu.start()'><frame name=menu src=/menu><frame "
                "name=corpo src=/corpo></frameset></html>";
  // As such systems are: Latin 1, tags in capitals, handlers inline, names as globals, and a form into the other frame.
  Page menu;
  menu.type = "text/html; charset=iso-8859-1";
  menu.body =
      "<HTML><SCRIPT>function start() { parent.frames['corpo'].fromMenu('Jo\xe3o'); if (document.all.campo) "
      "setTimeout('f.submit()', 1000) }</SCRIPT><BODY BGCOLOR=#1e90ff>"
      "<MARQUEE>aviso</MARQUEE><FORM NAME=f METHOD=post ACTION=/posted TARGET=corpo><INPUT ID=campo NAME=nome "
      "VALUE='Concei\xe7\xe3o, 1'>"
      "</FORM></BODY></HTML>";
  page_server_set(stage->pages.get(), "/menu", menu);
  page_server_set(stage->pages.get(), "/corpo",
                  html(kGreen,
                       "<script>function fromMenu(text){tell('menu says '+text+' '+typeof window.showModalDialog)}"
                       "if(document.all.length<1||typeof document.all!=='undefined')tell('ERROR all')</script>"));
  Seat seat = seat_on(stage, "/frames", frames);
  wait_told(seat, "menu says João undefined");
  bool posted = wait_until(10, [&] { return !page_server_requests(stage->pages.get(), "/posted").empty(); });
  check_at(posted, "the form was not sent");
  check_equal(page_server_requests(stage->pages.get(), "/posted")[0].body, "nome=Concei%E7%E3o%2C+1", "the form");
  wait_share(seat, kBlue, 0.25, 0.32, "frames");

  // Each is answered by keys alone. A button of a dialog takes none in its first moment, so a key is pressed again until the page
  // has its answer; it asks the next question only when that has been heard.
  set(seat, "/dialogs",
      html(kBlue,
           "<script>async function ask(){alert('Aviso');await tell('alert over');"
           "await tell('confirm '+confirm('Confirma?'));await tell('confirm '+confirm('E isto?'));"
           "for(let name;name!=='Maria';await tell('prompt '+name))name=prompt('Nome?','');"
           "document.documentElement.style.background='#20c040'}"
           "onload=()=>setTimeout(ask,300)</script>"));
  go(seat, "/dialogs");
  wait_share(seat, kBlue, 0, 0.5, "alert");
  press_until_told(seat, "Return", "alert over");
  press_until_told(seat, "Return", "confirm true");
  press_until_told(seat, "Esc", "confirm false");
  for (int tries = 0; tries < 10 && !was_told(seat, "prompt Maria"); ++tries) {
    press(seat, "Ctrl+a");
    type(seat, "Maria");
    keep("pages-prompt", box_screen(seat.box));
    press(seat, "Return");
    wait_until(2, [&] { return was_told(seat, "prompt Maria"); });
  }
  wait_told(seat, "prompt Maria");
  wait_share(seat, kGreen, 0.95, 1, "dialogs-over");

  // Before leaving, where the page has been touched.
  set(seat, "/stay",
      html(kBlue,
           "<input autofocus onfocus=\"tell('focus')\" oninput=\"tell('touched')\"><script>onbeforeunload=e=>{"
           "e.preventDefault();return 'x'}</script>"));
  set(seat, "/left", html(kGreen, ""));
  go(seat, "/stay");
  wait_told(seat, "focus");
  wait_share(seat, kBlue, 0.9, 1, "stay");
  press_until_told(seat, "a", "touched");
  go(seat, "/left");
  wait_share(seat, kBlue, 0, 0.5, "beforeunload");
  bool left = wait_until(20, [&] {
    press(seat, "Return");
    return wait_until(2, [&] { return screen_share(seat, kGreen) > 0.95; });
  });
  check_at(left, "the page is not left");

  // HTTP's own question for a password, typed.
  Page secret = html(kBlue, "<script>tell('let in')</script>");
  secret.password_of = "ana:segredo1";
  set(seat, "/secret", secret);
  go(seat, "/secret");
  wait_share(seat, kGreen, 0, 0.5, "password");
  // A password that is none is asked for again.
  for (int tries = 0; tries < 10 && !was_told(seat, "let in"); ++tries) {
    press(seat, "Ctrl+a");
    type(seat, "ana");
    press(seat, "Tab");
    type(seat, "segredo1\n");
    wait_until(3, [&] { return was_told(seat, "let in"); });
  }
  wait_told(seat, "let in");
  wait_share(seat, kBlue, 0.95, 1, "password-given");
  check_no_errors(seat);
}

// ---- what pages are made of today ----------------------------------------------------------------------------------------

// One page, red all over.
std::string red_pdf() {
  const std::string draw = "0.8 0.133 0 rg 0 0 600 800 re f";
  const std::string objects[] = {"<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>",
                                 "<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R>>",
                                 "<</Length " + std::to_string(draw.size()) + ">>stream\n" + draw + "\nendstream"};
  std::string pdf = "%PDF-1.4\n";
  std::string table = "xref\n0 5\n0000000000 65535 f \n";
  int number = 0;
  for (const std::string& object : objects) {
    char row[24];
    snprintf(row, sizeof row, "%010zu 00000 n \n", pdf.size());
    table += row;
    pdf += std::to_string(++number) + " 0 obj" + object + "endobj\n";
  }
  return pdf + table + "trailer<</Size 5/Root 1 0 R>>\nstartxref\n" + std::to_string(pdf.size()) + "\n%%EOF\n";
}

// Sound and film, made by the browser itself and played with no sound device there.
const char kMedia[] =
    "<canvas id=c width=160 height=120></canvas><video id=v></video><audio id=a></audio><script>async function film(){"
    "const paint=c.getContext('2d');let n=0;const "
    "timer=setInterval(()=>{paint.fillStyle=n++%2?'#f00':'#00f';paint.fillRect(0,0,160,120)},40);"
    "const recorder=new MediaRecorder(c.captureStream(25));const "
    "parts=[];recorder.ondataavailable=e=>parts.push(e.data);recorder.start();"
    "await new Promise(r=>setTimeout(r,2500));await new "
    "Promise(r=>{recorder.onstop=r;recorder.stop()});clearInterval(timer);"
    "await plays(v,new Blob(parts,{type:recorder.mimeType}),'film')}"
    "function plays(element,blob,what){return new Promise(done=>{element.onerror=()=>tell('ERROR '+what+' "
    "'+element.error.code+' '+element.error.message);"
    "element.ontimeupdate=()=>{if(element.currentTime>0.5){element.ontimeupdate=null;tell(what+' plays');done()}};"
    "element.src=URL.createObjectURL(blob);element.play().catch(e=>tell('ERROR '+what+' '+e))})}"
    "function wave(){const bytes=new DataView(new ArrayBuffer(44+16000));const "
    "text=(at,s)=>[...s].forEach((x,i)=>bytes.setUint8(at+i,x.charCodeAt(0)));"
    "text(0,'RIFF');bytes.setUint32(4,16036,true);text(8,'WAVEfmt "
    "');bytes.setUint32(16,16,true);bytes.setUint16(20,1,true);bytes.setUint16(22,1,true);"
    "bytes.setUint32(24,8000,true);bytes.setUint32(28,8000,true);bytes.setUint16(32,1,true);bytes.setUint16(34,8,true);"
    "text(36,'data');"
    "bytes.setUint32(40,16000,true);for(let i=44;i<16044;i++)bytes.setUint8(i,128+100*Math.sin(i/3));return new "
    "Blob([bytes],{type:'audio/wav'})}"
    "onclick=async()=>{onclick=null;await plays(a,wave(),'sound');await film()};tell('ready')</script>";

void media_files_and_sockets_work(void** state) {
  Stage* stage = stage_of(state);
  Page pdf;
  pdf.type = "application/pdf";
  pdf.body = red_pdf();
  page_server_set(stage->pages.get(), "/doc.pdf", pdf);
  Seat seat =
      seat_on(stage, "/pdf", html(kBlue, "<iframe src=/doc.pdf style='width:100%;height:640px;border:0'></iframe>"));
  wait_share(seat, kRed, 0.2, 1, "pdf");

  set(seat, "/media",
      html(kGreen,
           std::string("<script>const gl=['webgl','webgl2','experimental-webgl'].map(kind=>"
                       "String(document.createElement('canvas').getContext(kind)));tell('webgl '+gl)</script>") +
               kMedia));
  go(seat, "/media");
  wait_told(seat, "webgl null,null,null");
  wait_told(seat, "ready");
  click_until_told(seat, 500, 500, "sound plays");
  wait_told(seat, "film plays");

  // The films of others: H.264 and AAC in an MP4, two seconds of green with a tone. Made by ffmpeg -f lavfi
  // -i color=c=0x20c040:size=320x240:rate=10:duration=2 -f lavfi -i sine=frequency=440:duration=2 -vf scale=out_color_matrix=bt709
  // -colorspace bt709 -c:v libx264 -profile:v main -pix_fmt yuv420p -c:a aac -b:a 16k -ac 1 -movflags +faststart.
  Page film;
  film.type = "video/mp4";
  film.body = file_text("tests/image/film.mp4");
  page_server_set(stage->pages.get(), "/film.mp4", film);
  set(seat, "/mp4",
      html(kBlue, "<video id=v src=/film.mp4 style='position:fixed;inset:0;width:100%;height:100%;object-fit:fill'></video><script>"
                  "v.onerror=()=>tell('ERROR mp4 '+v.error.message);v.ontimeupdate=()=>{if(v.currentTime>1){v.ontimeupdate=null;v.pause();"
                  "tell('mp4 plays, with sound: '+v.mozHasAudio)}};onclick=()=>v.play()</script>"));
  go(seat, "/mp4");
  click_until_told(seat, 500, 500, "mp4 plays, with sound: true");
  wait_share(seat, kGreen, 0.8, 1, "film");

  // A real WebSocket server is in the container itself: the one that carries the screen.
  std::string nonce = proc_output({"docker", "exec", seat.box.name, "cat", "/run/session/nonce"});
  set(seat, "/socket",
      html(kBlue, "<script>const socket=new WebSocket('ws://127.0.0.1:6080/','session." + nonce +
                      "');socket.binaryType='arraybuffer';socket.onerror=()=>tell('ERROR socket');let first=true;"
                      "socket.onmessage=e=>{if(!e.data.byteLength)return;const bytes=new Uint8Array(e.data);"
                      "if(first){tell('socket '+String.fromCharCode(...bytes).trim());socket.send(bytes);first=false}"
                      "else{tell('socket answers');socket.close()}}</script>"));
  go(seat, "/socket");
  wait_told(seat, "socket RFB 003.008");
  wait_told(seat, "socket answers");
  wait_share(seat, kBlue, 0.9, 1, "socket");  // or the green of the film is taken for that of the next page

  // A file that a page sends is said to be there, and can be given to the next page.
  Page report;
  report.type = "application/octet-stream";
  report.body = "CPF;nome\n111;João\n";
  report.headers = {{"Content-Disposition", "attachment; filename=\"relatorio.csv\""}};
  set(seat, "/report", report);
  set(seat, "/files",
      html(kGreen,
           "<a href=/report style='display:block;height:200px'>baixar</a><input id=i type=file"
           " style='display:block;height:60px' onchange=\"i.files[0].text().then(text=>tell(i.files[0].name+' "
           "'+text.length))\">"));
  go(seat, "/files");
  wait_share(seat, kGreen, 0.9, 1, "files");
  sleep(1);  // Firefox passes no click on to a page that has been there for less than a tenth of a second
  click(seat, 20, 8);
  wait_share(seat, 0x188038, 0.02, 0.2, "file-received");
  std::string there = proc_output({"docker", "exec", seat.box.name, "ls", "/home/session/Downloads"});
  check_equal(there, "relatorio.csv", "the folder of downloads");
  click(seat, 40, 230);  // where it was before the note
  wait_share(seat, kGreen, 0, 0.86, "file-dialog");
  usleep(500000);
  press(seat, "Home");
  press(seat, "Return");
  wait_told(seat, "relatorio.csv 18");
  check_no_errors(seat);
}

// ---- a heavy one, and its fonts ------------------------------------------------------------------------------------------

void a_heavy_page_of_an_old_system_works(void** state) {
  Stage* stage = stage_of(state);
  Page page;
  page.type = "text/html; charset=iso-8859-1";
  page.body = std::string("<HTML><HEAD><TITLE>Relat\xf3rio</TITLE>") + kKit +
              "</HEAD><BODY BGCOLOR=#1e90ff STYLE='margin:0'><IFRAME NAME=aux SRC=/aux WIDTH=1 "
              "HEIGHT=1></IFRAME><TABLE ID=t BORDER=1>";
  for (int row = 1; row <= 5000; ++row) {
    std::string n = std::to_string(row);
    page.body +=
        "<TR ID=r" + n + " onmouseover=\"this.bgColor='#ffffcc'\" onmouseout=\"this.bgColor=''\" onclick=\"picked(" +
        n + ",this)\"><TD>" + n + "<TD>Jo\xe3o da Concei\xe7\xe3o<TD><INPUT SIZE=8 VALUE=" + n +
        " onchange=\"tell('changed '+this.value)\"><TD><A HREF=\"javascript:picked(-" + n + ")\">ver</A></TR>\n";
  }
  page.body +=
      "</TABLE><SCRIPT>function picked(n,row){if(n>0){tell('picked '+n);row.style.background='#20c040'}else tell('link "
      "'+n)}"
      "onload=()=>{r4900.scrollIntoView();tell('rows '+t.rows.length+' "
      "'+r4900.cells[1].innerText)}</SCRIPT></BODY></HTML>";
  page_server_set(stage->pages.get(), "/aux", html(kRed, ""));
  Seat seat = seat_on(stage, "/heavy", page);
  wait_told(seat, "rows 5000 João da Conceição");
  wait_share(seat, kBlue, 0.3, 1, "heavy");
  click_until_told(seat, 8, 12, "picked 4900");
  // By keys as well: up to the first rows.
  bool clicked = wait_until(20, [&] {
    press(seat, "Ctrl+Home");
    usleep(500000);
    click(seat, 8, 60);
    return was_told(seat, "picked 1") || was_told(seat, "picked 2") || was_told(seat, "picked 3");
  });
  check_at(clicked, "the first rows are not reached; told was:\n" + all_told(seat));

  // Fonts by their names on Windows: of equal widths where there is one. Known widths are those of the original fonts' tables.
  set(seat, "/fonts",
      html(kGreen,
           "<script>const paint=document.createElement('canvas').getContext('2d');paint.fontKerning='none';const "
           "width=(font,text)=>{"
           "paint.font='1000px \"'+font+'\"';return Math.round(paint.measureText(text).width)};"
           "const line='Hamburgefonstiv 0123';for(const [font,known] of [['Arial',10061],['Times New Roman',9248],"
           "['Courier New',12002]])tell(font+' '+(Math.abs(width(font,line)-known)<=12)+' '+width(font,line));"
           "const verdana=width('Verdana',line);tell('Verdana '+(Math.abs(verdana-11496)<=230)+' '+verdana);"
           "tell('Symbols '+(width('Wingdings','\\u00fc')!==width('Arial','\\u00fc'))+' "
           "'+(width('Symbol','a')!==width('Arial','a')))</script>"
           "<p style='font:60px Wingdings'>\u00fc</p><p style='font:60px Symbol'>abc</p><p style='font:30px "
           "Verdana'>Verdana</p>"
           "<p style='font:30px Arial'>Arial</p><p style='font:30px Impact'>Impact</p><p>sem fonte</p>"));
  go(seat, "/fonts");
  wait_told(seat, "Symbols true true");
  keep("pages-fonts", box_screen(seat.box));
  std::string told = all_told(seat);
  for (const char* font : {"Arial true", "Times New Roman true", "Courier New true", "Verdana true"})
    check_at(told.find(font) != std::string::npos, std::string(font) + "; told was:\n" + told);
  check_no_errors(seat);
}

}  // namespace

int main() {
  return stage_main("pages", {
                                 IMAGE_TEST_KEPT(windows_that_pages_open_work_and_have_a_way_back),
                                 IMAGE_TEST_KEPT(frames_dialogs_and_passwords_work),
                                 IMAGE_TEST_KEPT(media_files_and_sockets_work),
                                 IMAGE_TEST_KEPT(a_heavy_page_of_an_old_system_works),
                             });
}
