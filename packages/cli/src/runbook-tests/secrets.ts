/** What stands where a secret was. */
export const REDACTED = '[redacted]';

/** Words of a key whose value is a secret, wherever they stand in it. */
const SECRET_WORDS: ReadonlySet<string> = new Set([
  ...['pass', 'pwd', 'token', 'tokens', 'auth', 'authorization', 'bearer', 'jwt', 'dsn'],
  ...['cookie', 'cookies', 'session', 'sessions', 'creds'],
]);
/** The same in keys that are written without a break, with all separators left out. */
const SECRET_STEM =
  /password|passwd|passphrase|passcode|secret|credential|tokens?$|pwd$|connectionstring|(?:api|access|private|signing|encryption|master|license|ssh)key/;

/** Secrets by their look alone. */
const SECRET_LOOKS: readonly RegExp[] = [
  /-----BEGIN [A-Z ]+-----(?:[\s\S]*?-----END [A-Z ]+-----|[\s\S]*)/g,
  /(?:AKIA|ASIA)[0-9A-Z]{16}/g,
  /eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?/g,
  /\bbearer\s+[\w+/=.~-]{8,}/gi,
  // In words such as "basic checks" nothing is encoded.
  /\b(?:Basic|basic|BASIC)\s+(?=[\w+/.~-]*[\dA-Z=])[\w+/=.~-]{8,}/g,
  /\bgh[pousr]_\w{20,}|\bxox[abpr]-[\w-]{10,}/g,
  /(?<![0-9a-f])[0-9a-f]{32,}(?![0-9a-f])/gi,
  /(?<![\w+/-])(?=[\w+/-]*\d)(?=[\w+/-]*[A-Z])(?=[\w+/-]*[a-z])[\w+/-]{28,}={0,2}/g,
  // Name and password before a host, with and without `curl -u`.
  /(?<=(?:^|\s)(?:-u|--user)[\s=])[^\s:]+:\S+/g,
  /(?<![\w.:/@-])[\w.-]+:[^\s:@/]+(?=@[\w-])/g,
];
/** A key, and what stands between it and its value; a flag may have a space there. */
const PAIR = /(?<![\w.-])(?<key>[\w.-]+)(?<between>\\?["']?\s*(?:=>?|:(?!\/\/))\s*|[ \t]+(?![-=:]))/g;
const QUOTED = String.raw`\\?"[^"\n]*"?|\\?'[^'\n]*'?`;
const WORD_VALUE = new RegExp(`${QUOTED}|[^\\s"'&;,]+`, 'y');
/** After `password: ` a passphrase may have several words. */
const LINE_VALUE = new RegExp(`${QUOTED}|[^\\n,;&]+`, 'y');

/** Whether what this key names is a secret: `accessToken`, `x-api-key`, `dbPassword`, `DB_PWD`. */
export function isSecretKey(key: string): boolean {
  const words = key
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll(/([A-Z])([A-Z][a-z])/g, '$1_$2')
    .toLowerCase()
    .split(/[^a-z0-9]+/);
  return words.some((word) => SECRET_WORDS.has(word)) || SECRET_STEM.test(words.join(''));
}

/** A text without values of secret keys (`--password=x`, `password: x`) and without what looks like a secret. */
export function withoutSecrets(text: string): string {
  let safe = withoutSecretValues(text);
  for (const look of SECRET_LOOKS) safe = safe.replaceAll(look, REDACTED);
  return safe;
}

function withoutSecretValues(text: string): string {
  let result = '';
  let from = 0;
  for (const pair of text.matchAll(PAIR)) {
    const { key = '', between = '' } = pair.groups ?? {};
    const isFlag = between.trim() === '';
    if (pair.index < from || !isSecretKey(key) || (isFlag && !key.startsWith('-'))) continue;
    const end = pair.index + pair[0].length;
    const value = /:\s+$/.test(between) ? LINE_VALUE : WORD_VALUE;
    value.lastIndex = end;
    const found = value.exec(text);
    if (found === null) continue;
    result += text.slice(from, end) + REDACTED;
    from = end + found[0].length;
  }
  return result + text.slice(from);
}
