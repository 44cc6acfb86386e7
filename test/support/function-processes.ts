import { execFileSync } from "node:child_process";

/** The processes that run one function on a local server, whose process has `serverPid`. */
export const processesOf = (functionName: string, serverPid: number): readonly number[] => {
  // The server names a process's folder after the function, and CloudFormation drops hyphens.
  const mark = `stateless-${functionName.replaceAll("-", "")}Function`;
  return execFileSync("ps", ["-A", "-ww", "-o", "pid=,ppid=,args="], { encoding: "utf8" })
    .split("\n")
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line))
    .filter((found) => found !== null)
    .filter(([, , parent, args]) => Number(parent) === serverPid && (args ?? "").includes(mark))
    .map(([, pid]) => Number(pid));
};
