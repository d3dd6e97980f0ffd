/** An address block: all addresses that share the first `bits` bits of `words` (16-bit words, big end first). */
export interface Cidr {
  readonly words: readonly number[];
  readonly bits: number;
}

const V4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;

/** Reads an IPv4 or IPv6 address as 2 or 8 words; `undefined` when the text is none. */
function parseAddress(text: string): readonly number[] | undefined {
  if (text.length > 45) return undefined;
  return text.includes(':') ? parseV6(text) : parseV4(text);
}

function parseV4(text: string): readonly number[] | undefined {
  const octets = V4.exec(text)?.slice(1).map(Number);
  if (octets === undefined || octets.some((octet) => octet > 255)) return undefined;
  const [a = 0, b = 0, c = 0, d = 0] = octets;
  return [a * 256 + b, c * 256 + d];
}

function parseV6(text: string): readonly number[] | undefined {
  const [head = '', tail, ...rest] = text.split('::');
  if (rest.length > 0) return undefined;
  const before = parseGroups(head);
  const after = tail === undefined ? [] : parseGroups(tail);
  if (before === undefined || after === undefined) return undefined;
  const missing = 8 - before.length - after.length;
  if (tail === undefined) return missing === 0 ? before : undefined;
  return missing < 1 ? undefined : [...before, ...new Array<number>(missing).fill(0), ...after];
}

function parseGroups(text: string): number[] | undefined {
  if (text === '') return [];
  const words: number[] = [];
  const groups = text.split(':');
  for (const [index, group] of groups.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(group)) {
      words.push(Number.parseInt(group, 16));
      continue;
    }
    const embedded = index === groups.length - 1 ? parseV4(group) : undefined;
    if (embedded === undefined) return undefined;
    words.push(...embedded);
  }
  return words;
}

/** Reads `10.0.0.0/24` or `2001:db8::/32`; the message says why not. */
export function parseCidr(text: string): Cidr | { readonly message: string } {
  const [address = '', bitsText, ...rest] = text.split('/');
  if (bitsText === undefined || rest.length > 0)
    return { message: 'expected an address, one / and a number of bits' };
  const words = parseAddress(address);
  if (words === undefined) return { message: `${JSON.stringify(address)} is no IPv4 or IPv6 address` };
  const bits = /^\d{1,3}$/.test(bitsText) ? Number(bitsText) : Number.NaN;
  if (!(bits <= words.length * 16))
    return { message: `expected 0 to ${words.length * 16} bits behind the /` };
  return { words, bits };
}

/** True when the text is an address of the block's family inside the block. */
export function inCidr(text: string, cidr: Cidr): boolean {
  const words = parseAddress(text);
  if (words?.length !== cidr.words.length) return false;
  for (let index = 0, left = cidr.bits; left > 0; index += 1, left -= 16) {
    const mask = left >= 16 ? 0xffff : (0xffff << (16 - left)) & 0xffff;
    if (((words[index] ?? 0) & mask) !== ((cidr.words[index] ?? 0) & mask)) return false;
  }
  return true;
}
