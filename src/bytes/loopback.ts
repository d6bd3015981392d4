/**
 * True for this machine by a literal, or by the one name that every resolver knows: `app.localhost` should lead here too
 * (RFC 6761 §6.3), but where it leads is the resolver's word. An IPv6 address may have its brackets.
 */
export function isLoopback(host: string): boolean {
  return /^(?:localhost|127\.\d+\.\d+\.\d+|::1|\[::1\])$/i.test(host);
}
