/** CPU milliseconds of this thread so far: what the code cost, however busy the machine is. */
export function cpuTime(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
