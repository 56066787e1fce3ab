/** Owns which names say that their value is a secret (G7): `DB_PASSWORD`, `clientSecret`, `x-api-key`, not `max_tokens`. */

/**
 * How much a name tells. `password`: nearly any value is one. `secret`: a value without spaces. `weak`: the name has other
 * uses (`token` in a parser), so the value must look random. `authorization`, `cookie`: what such a header holds.
 */
export type NameStrength = 'password' | 'secret' | 'weak' | 'authorization' | 'cookie';

export interface SecretName {
  readonly kind: string;
  readonly strength: NameStrength;
  /** Shortest value that counts, in characters. */
  readonly minChars: number;
  /** Letters and digits of the name, lower case. */
  readonly bare: string;
}

/** Where the place, not a name, says that something is a password. */
export const PASSWORD_NAME: SecretName = { kind: 'password', strength: 'password', minChars: 1, bare: 'password' };

const PASSWORD = [
  'password',
  'passwd',
  'passphrase',
  'passcode',
  'pwd',
  'passwort',
  'passwordhash',
  'passwdhash',
  'passwords',
];
const keysOf = (owners: string): readonly string[] => owners.split(' ').map((owner) => `${owner}key`);
const KEY = [...keysOf('api access auth encryption master private secret signing'), 'apikeys'];
const WEAK_KEY = keysOf(
  'account app application client consumer crypto decryption deploy function functions hmac jwt root service servicerole session shared subscription',
);
const PHRASE = ['mnemonic', 'seedphrase', 'recoveryphrase'];
const SECRET = ['secret', 'secrets', 'recoverycode', 'recoverycodes', 'credential', 'credentials', 'creds'];
const TOKEN = ['token', 'apitokens', 'authtokens', 'accesstokens', 'jwt', 'bearer'];
/** Only as part of a longer name (`db_pass`, `smtpPass`) do they tell much: alone they are words of reports and settings. */
const COMPOUND = ['pass', '_pw', '-pw', 'auth'];
/** `value` is none itself: what is called `name` or `key` beside it says what it is. */
const OTHERS = ['authorization', 'cookie', 'sig', 'signature', 'value'];

const ends = (words: readonly string[]): RegExp => new RegExp(`(?:${words.join('|')})\\d{0,2}$`);
const ENDS_COMPOUND = /(?:[a-z0-9][_.-](?:pass|pw|auth)|[a-z0-9]Pass|[A-Z0-9]_(?:PASS|PW|AUTH))\d{0,2}$/;
/** Tokens of models and of pages of results: no secrets. */
const OTHER_TOKEN =
  /(?:next|page|pagination|continuation|cancel|cancellation|abort|eos|bos|pad|sep|unk|mask|cls|stop|end|start|special|sync|begin|max|min|input|output|syntax|design|delimiter)token$/;

interface Rule {
  readonly pattern: RegExp;
  readonly kind: string;
  readonly strength: NameStrength;
  readonly minChars: number;
}

/** Looked at in this order, against letters and digits of the name in lower case. */
const RULES: readonly Rule[] = [
  { pattern: ends(PASSWORD), kind: 'password', strength: 'password', minChars: 1 },
  {
    pattern: /^(?:proxy|x|xforwarded|xoriginal|http)?authorization$/,
    kind: 'authorization',
    strength: 'authorization',
    minChars: 8,
  },
  { pattern: /^(?:set|http)?cookie$/, kind: 'cookie', strength: 'cookie', minChars: 3 },
  { pattern: ends(keysOf('private')), kind: 'private-key', strength: 'secret', minChars: 6 },
  { pattern: ends(KEY), kind: 'key', strength: 'secret', minChars: 6 },
  { pattern: ends(WEAK_KEY), kind: 'key', strength: 'weak', minChars: 8 },
  { pattern: ends(PHRASE), kind: 'secret', strength: 'password', minChars: 24 },
  { pattern: ends(SECRET), kind: 'secret', strength: 'secret', minChars: 4 },
  // Alone, or as parsers name theirs.
  {
    pattern: /^(?:(?:first|last|current|new|prev|previous|peek|lookahead|string|comment|text|word|image)?token|auth)$/,
    kind: 'token',
    strength: 'weak',
    minChars: 6,
  },
  { pattern: /^pass$/, kind: 'password', strength: 'weak', minChars: 4 },
  { pattern: ends(TOKEN), kind: 'token', strength: 'secret', minChars: 6 },
  { pattern: /^(?:sig|xamzsignature|xgoogsignature|signature)$/, kind: 'signature', strength: 'weak', minChars: 20 },
];

/** Which last three letters a name of a secret can have: one look-up spares nearly all other names the rest. */
const LAST_THREE = new Uint8Array(32_768);
const lastThree = (text: string, last: number): number =>
  ((text.charCodeAt(last - 2) & 31) << 10) | ((text.charCodeAt(last - 1) & 31) << 5) | (text.charCodeAt(last) & 31);
for (const word of [PASSWORD, KEY, WEAK_KEY, PHRASE, SECRET, TOKEN, COMPOUND, OTHERS].flat()) {
  LAST_THREE[lastThree(word, word.length - 1)] = 1;
}

const isDigit = (code: number): boolean => code >= 48 && code <= 57;

/** False: certainly no name of a secret. `end` is the index behind the name's last character. */
export const mayEndSecretName = (text: string, end: number): boolean => {
  let last = end - 1;
  if (last > 2 && isDigit(text.charCodeAt(last))) last -= isDigit(text.charCodeAt(last - 1)) ? 2 : 1;
  return last > 1 && LAST_THREE[lastThree(text, last)] === 1;
};

const classify = (name: string): SecretName | undefined => {
  const bare = name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
  if (OTHER_TOKEN.test(bare)) return undefined;
  const rule = RULES.find(({ pattern }) => pattern.test(bare));
  if (rule !== undefined) return { kind: rule.kind, strength: rule.strength, minChars: rule.minChars, bare };
  if (!ENDS_COMPOUND.test(name)) return undefined;
  return /auth\d{0,2}$/.test(bare)
    ? { kind: 'token', strength: 'weak', minChars: 8, bare }
    : { kind: 'password', strength: 'password', minChars: 1, bare };
};

/** The text alone: a part of a longer text would keep all of it in memory. */
const copyOf = (text: string): string => ` ${text}`.slice(1);

const MAX_KNOWN = 2_000;
const known = new Map<string, SecretName | null>();

/** What the name says of its value; `undefined`: nothing. The same names come again and again: they are remembered (G6). */
export const secretName = (name: string): SecretName | undefined => {
  if (name.length > 128 || !mayEndSecretName(name, name.length)) return undefined;
  const found = known.get(name);
  if (found !== undefined) return found ?? undefined;
  if (known.size >= MAX_KNOWN) known.clear();
  const made = classify(name);
  known.set(copyOf(name), made ?? null);
  return made;
};

const MANY = ends(['passwords', 'secrets', 'apikeys', 'recoverycodes']);

/** Whether each field of an object of this name is a secret: `secrets: {...}`. */
export const isNameOfMany = (name: SecretName): boolean => MANY.test(name.bare);

/** Whether a word names a secret rather than being one: `authToken`, `password_input`. */
export const MENTIONS_SECRET = /pass(?:word|wd|phrase|code)?s?|pwd|secret|token|cred|auth|key|cookie|signature/i;
