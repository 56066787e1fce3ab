/**
 * Owns which value of a secret's name is a secret (G7), and which is a reference to one, a type, a word or code. Where both
 * are possible, what stands as data (a field, an environment variable) is taken for a secret, what stands as code is not.
 */
import { MENTIONS_SECRET, type SecretName } from './redact-name.ts';

/**
 * How name and value stand. `field`: a field of an object, or `"name": "value"`. `quoted`: other text in quotes.
 * `env`: `NAME=value`, `?name=value`. `tight`: `name=value`. `loose`: `name: value`, `name = value`.
 */
export type ValueStyle = 'field' | 'quoted' | 'env' | 'tight' | 'loose';

export interface ValuePlace {
  readonly style: ValueStyle;
  /** Whether nothing else follows on the line. */
  readonly isLast: () => boolean;
  /** Whether a space stands before the value. */
  readonly isSpaced: boolean;
  /** The character behind the value; '' at the end. */
  readonly next: string;
}

/** Where quotes, or the fields of an object, tell where a value begins and ends. */
export const QUOTED_PLACE = { style: 'quoted', isLast: () => false, isSpaced: false, next: '' } as const;

const LOOKED_AT_CHARS = 256;
/** A value of letters alone is random from here on, not a word. */
const LONG_CHARS = 20;

/** References, templates, masks and what was redacted before. */
const PLACEHOLDER = new RegExp(
  [
    /^(?:\$[({]|\{\{|#\{|\[redacted:|<[^<>]*>$|%[A-Za-z_]\w*%$|%[sdv@]$|\{[\w.:]*\}$)/,
    /^(?:(?:process|import\.meta)\.env\b|os\.(?:environ|getenv)|(?:ENV|ENC)\[|(?:env|getenv)\(|arn:aws|op:\/\/|vault:)/,
    /^(?:!(?:vault|Ref|Sub|GetAtt|Join|ImportValue|secret|env|reference|include)\b|@Microsoft\.KeyVault)/,
    /^(?:[*•●.…_?#-]+|[xX]{3,}[xX-]*|(?:[\s:@/]|%[sdv]|\{[\w.]*\})+|#[0-9a-fA-F]{3,8})$|^--\w/,
    /\*{3,}|•{3,}|\[(?:REDACTED|[Rr]edacted)\]/,
  ]
    .map((part) => part.source)
    .join('|'),
);
const SHELL_VARIABLE = /^\$[A-Za-z_]\w*$/;
const CAPITAL_VARIABLE = /^\$[A-Z_][A-Z0-9_]*$/;
const NUMBER = /^[+-]?(?:0x[\da-f_]+|[\d_,.]+(?:e[+-]?\d+)?(?:[a-z]{1,2})?%?)$/i;
const LONG_NUMBER = /^\d{6,}$/;
const IDENTIFIER = /^[A-Za-z_$][A-Za-z_$]*$/;
const CODE = /[\w$\]).]\(|^[([{<&*@!]|[\w)]\[|<\w+>|=>|::|\|\||&&|->/;
const ONE_WORD = /^[\w+/=~-]+$/;
/** Letters, and a number at the end: `authToken2`. */
const NAME_LIKE = /^[A-Za-z_$-]{1,31}\d{0,2}$/;
const NOT_NULL = /^[A-Za-z_$][\w$.]*[!?]$/;
const CHAIN = /^[A-Za-z_$][\w$]{0,31}(?:(?:\.|\?\.)[A-Za-z_$#][\w$]{0,31})+$/;
const CHAIN_ROOT =
  /^(?:self|this|config|cfg|conf|args|opts|options|settings|env|process|req|request|res|response|params|props|state|ctx|context|data|user|secrets|vars?|local|module|values|inputs?|body|headers|payload|event|session)\b/i;
const PATH = /^(?:~|\.{1,2}|[A-Za-z]:)?(?:[\\/][\w.-]*)+$/;
const RANDOM_PART = /(?=[A-Za-z]*\d)(?=[a-z\d]*[A-Z])(?=[A-Z\d]*[a-z])[A-Za-z\d]{12,}/;
const URL_WITHOUT_USER = /^https?:\/\/[^@\s]*$/;
const DOTTED_WORDS = /^[A-Za-z-]+(?:\.[A-Za-z-]+)+$/;
/** What names and paths are written in. */
const WORDY = /^[\w$.:`/-]+$/;
const LOWER_WORDS = /^[a-z]+(?:[._ -][a-z]+)*$/;
const HAS_DIGIT = /\d/;
const ABOUT_SECRETS = /\b(?:pass(?:word|phrase|code)|secret|credential|token|key)s?\b/i;
const HAS_SPACE = /\s/;

const WORDS: ReadonlySet<string> = new Set(
  (
    'string str number int integer bool boolean true false null nil none undefined any unknown object bytes byte buffer void never ' +
    'required optional text varchar char value input default inherit hidden self this args ' +
    'passed failed yes no on off auto basic bearer digest plain env file prompt ask manual omit include same-origin masked empty missing invalid ' +
    'and or via with is to for the a an as if in not must cannot when from flag flags arg args option options ' +
    'disabled enabled uuid jwt oauth oauth2 header cookie array list dict map type option await new function async const let var return'
  ).split(' '),
);

/** The longest of {@link WORDS}. */
const MAX_WORD_CHARS = 11;

const isWord = (value: string): boolean => value.length <= MAX_WORD_CHARS && WORDS.has(value.toLowerCase());

/** As many separators a name repeated as a value may have: `x-api-key`. */
const MAX_SEPARATORS = 6;

const bareOf = (text: string): string => text.toLowerCase().replaceAll(/[^a-z0-9]/g, '');

/** A word of a language or a form, or the name once more: `password=password`, `"api_key": "API key"`. */
const isOnlyAWord = (value: string, name: SecretName, style: ValueStyle): boolean => {
  if (isWord(value)) return true;
  const isData = style === 'field' || style === 'env';
  if (name.strength === 'password' && isData) return false;
  const bare = value.length > name.bare.length + MAX_SEPARATORS ? '' : bareOf(value);
  if (name.strength === 'password') return bare === name.bare;
  return bare === '' ? !/[A-Za-z0-9]/.test(value) : bare.length > 3 && name.bare.endsWith(bare);
};

const isReference = (value: string, style: ValueStyle): boolean =>
  PLACEHOLDER.test(value) || (style === 'field' ? CAPITAL_VARIABLE : SHELL_VARIABLE).test(value);

/** What stands for a secret without being one: `${TOKEN}`, `<password>`, `***`, `process.env.TOKEN`. */
export const isPlaceholder = (value: string): boolean =>
  value === '' || isReference(value.slice(0, LOOKED_AT_CHARS), 'quoted') || isWord(value);

const isPath = (value: string): boolean => PATH.test(value) && !RANDOM_PART.test(value);

/** About secrets: a label, a message. */
const isSentence = (value: string): boolean =>
  HAS_SPACE.test(value) && !HAS_DIGIT.test(value) && ABOUT_SECRETS.test(value);

const isQuotedSecret = (value: string, name: SecretName, style: 'field' | 'quoted'): boolean => {
  if (name.strength === 'password') return style === 'field' || !isSentence(value);
  if (HAS_SPACE.test(value) || DOTTED_WORDS.test(value)) return false;
  if (name.strength !== 'weak') return true;
  if (name.bare === 'pass' || HAS_DIGIT.test(value)) return true;
  return value.length >= 15 && !/[._-]/.test(value);
};

/** Unquoted and in code as often as in data. */
const mayBeLooseSecret = (value: string, name: SecretName): boolean =>
  (name.strength === 'password' || HAS_DIGIT.test(value) || (value.length >= LONG_CHARS && ONE_WORD.test(value))) &&
  !CODE.test(value);

const isLooseSecret = (value: string, name: SecretName, { isLast, isSpaced }: ValuePlace): boolean => {
  if (CHAIN.test(value) || name.bare === 'pass') return false;
  if (NOT_NULL.test(value) && (MENTIONS_SECRET.test(value) || value.includes('.'))) return false;
  if (name.strength === 'password') {
    if (HAS_DIGIT.test(value) || !WORDY.test(value)) return true;
    return isSpaced && LOWER_WORDS.test(value) && !MENTIONS_SECRET.test(value) && isLast();
  }
  if (NAME_LIKE.test(value) && MENTIONS_SECRET.test(value)) return false;
  if (!HAS_DIGIT.test(value)) return !LOWER_WORDS.test(value) && isLast();
  return value.length >= 8;
};

/** `name=value` without spaces: data, unless it looks like an argument of a call. */
const isTightSecret = (value: string, name: SecretName, { next }: ValuePlace): boolean => {
  if (/[()[\]{}]/.test(value)) return name.strength === 'password' && !/[\w$][([]/.test(value) && !/^[([{]/.test(value);
  if (CHAIN.test(value) && (CHAIN_ROOT.test(value) || MENTIONS_SECRET.test(value))) return false;
  const isArgument = next === ',' || next === ')';
  if (IDENTIFIER.test(value) && (isArgument || (value.includes('_') && MENTIONS_SECRET.test(value)))) return false;
  return name.strength !== 'weak' || HAS_DIGIT.test(value) || value.length >= 15;
};

/** Whether the value of a secret's name is a secret. Headers (`authorization`, `cookie`) are read by `redact-header.ts`. */
export const isSecretValue = (value: string, name: SecretName, place: ValuePlace): boolean => {
  if (value.length < name.minChars) return false;
  const head = value.slice(0, LOOKED_AT_CHARS).trim();
  if (place.style === 'loose' && !mayBeLooseSecret(head, name)) return false; // nearly all: code
  if (head === '' || isReference(head, place.style) || isOnlyAWord(head, name, place.style)) return false;
  if (name.strength !== 'password' && URL_WITHOUT_USER.test(head)) return false;
  if (NUMBER.test(head)) return name.strength === 'password' && LONG_NUMBER.test(head);
  if ((name.strength !== 'password' || name.bare.endsWith('pwd')) && isPath(head)) return false;
  if (place.style === 'field' || place.style === 'quoted') return isQuotedSecret(head, name, place.style);
  if (place.style === 'loose') return isLooseSecret(head, name, place);
  if (place.style === 'tight') return isTightSecret(head, name, place);
  if (isSentence(head)) return false;
  return name.strength !== 'weak' || HAS_DIGIT.test(head) || head.length >= 15;
};
