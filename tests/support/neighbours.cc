// Looks up this machine's addresses, and makes and takes away the network beside it.
#include "support/neighbours.h"

#include <memory>
#include <sstream>

#include "support/proc.h"

Texts host_addresses(const Suite& suite) {
  const std::string ours = suite.subnet.substr(0, suite.subnet.rfind('.') + 1);
  Texts out;
  std::istringstream lines(proc_output({"ip", "-o", "-4", "address", "show", "up", "scope", "global"}));
  std::string number, device, inet, address;
  for (std::string rest; lines >> number >> device >> inet >> address && std::getline(lines, rest);) {
    address.erase(address.find('/'));
    if (!device.starts_with("br-") || address.starts_with(ours)) out.push_back(address);
  }
  return out;
}

void run_beside(Scene* scene, const Texts& command) {
  std::shared_ptr<Proc> proc = proc_start(command, scene->folder + "/" + command[0] + ".log");
  check_at(proc != nullptr, "cannot start " + command[0]);
  scene->cleanups.emplace_back([proc]() mutable { proc.reset(); });
}

static std::string outside_net(const Suite& suite) { return "198.18." + std::to_string(100 + suite.block); }

std::string outside_world(const Suite& suite) { return outside_net(suite) + ".2"; }

void outside_make(Scene* scene, const Texts& addresses) {
  const Suite& suite = *scene->suite;
  const std::string name = "vnc-e2e-" + std::to_string(suite.block), cable = "vnce2e" + std::to_string(suite.block);
  const std::string here = outside_net(suite) + ".1", there = outside_world(suite);
  proc_run({"ip", "netns", "delete", name});
  std::string script = "set -e; ip netns add " + name + "; ip link add " + cable + " type veth peer name far netns " + name + "; ip address add " + here + "/30 dev " + cable +
                       "; ip link set " + cable + " up; ip -n " + name + " link set lo up; ip -n " + name + " link set far up; ip -n " + name + " address add " + there +
                       "/30 dev far; ip -n " + name + " route add default via " + here;
  for (const std::string& address : addresses) script += "; ip -n " + name + " address add " + address + "/32 dev lo; ip route add " + address + "/32 via " + there;
  scene->cleanups.emplace_back([name] { proc_run({"ip", "netns", "delete", name}); });  // takes the cable and its routes along
  proc_output({"sh", "-c", script});
  run_beside(scene, {"ip", "netns", "exec", name, "busybox", "httpd", "-f", "-p", std::to_string(kOutsidePort), "-h", scene->folder});
}
