/** Whether an address stays on this machine. Names other than `localhost` do not count: they can point anywhere. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}
