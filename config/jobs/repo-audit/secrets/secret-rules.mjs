/**
 * Owns what a committed secret looks like: formats of well-known services, private keys, passwords in addresses, and
 * assignments of long random texts.
 *
 * E1. What is found is told by kind, line and at most its first four characters; the secret itself leaves this file never.
 */

/**
 * `certain`: the format belongs to one service and nothing else; `likely`: it may also be something harmless.
 * @typedef {'certain' | 'likely'} Certainty
 *
 * @typedef {object} SecretRule
 * @property {string} kind
 * @property {Certainty} certainty
 * @property {RegExp} pattern global; the secret is group 1 where there is one, else all of it
 * @property {boolean} [isShort] of a password not even its beginning is shown
 *
 * @typedef {{ kind: string, certainty: Certainty, line: number, prefix: string }} FoundSecret
 */

/** @type {readonly SecretRule[]} */
const RULES = [
  { kind: 'AWS access key', certainty: 'certain', pattern: /\b((?:AKIA|ASIA)[A-Z2-7]{16})\b/g },
  { kind: 'AWS secret key', certainty: 'certain', pattern: /aws_?secret_?(?:access_?)?key["']?\s{0,5}[:=]\s{0,5}["']?([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])/gi },
  { kind: 'GitHub token', certainty: 'certain', pattern: /\b(gh[pousr]_[A-Za-z0-9]{36,255})\b/g },
  { kind: 'GitHub token', certainty: 'certain', pattern: /\b(github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59})\b/g },
  { kind: 'GitLab token', certainty: 'certain', pattern: /\b(gl(?:pat|ptt|dt|rt|cbt|soat)-[\w-]{20,64})/g },
  { kind: 'Slack token', certainty: 'certain', pattern: /\b(xox[abeoprs]-\d{8,14}-[\w-]{10,100}|xapp-\d-[A-Z0-9]+-\d+-[a-z0-9]+)/g },
  { kind: 'Slack webhook', certainty: 'certain', pattern: /https:\/\/hooks\.slack\.com\/services\/(T[A-Z0-9]{6,12}\/B[A-Z0-9]{6,14}\/\w{20,32})/g },
  { kind: 'Discord webhook', certainty: 'certain', pattern: /https:\/\/discord(?:app)?\.com\/api\/webhooks\/\d{15,21}\/([\w-]{60,80})/g },
  { kind: 'Stripe live key', certainty: 'certain', pattern: /\b((?:sk|rk)_live_[A-Za-z0-9]{20,120})\b/g },
  { kind: 'Google API key', certainty: 'certain', pattern: /\b(AIza[\w-]{35})(?![\w-])/g },
  { kind: 'Google OAuth secret', certainty: 'certain', pattern: /\b(GOCSPX-[\w-]{28})(?![\w-])/g },
  { kind: 'OpenAI key', certainty: 'certain', pattern: /\b(sk-(?:proj|svcacct|admin)-[\w-]{40,200}|sk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20})(?![\w-])/g },
  { kind: 'Anthropic key', certainty: 'certain', pattern: /\b(sk-ant-[a-z]+\d{2}-[\w-]{40,120})/g },
  { kind: 'Hugging Face token', certainty: 'certain', pattern: /\b(hf_[A-Za-z]{34})\b/g },
  { kind: 'npm token', certainty: 'certain', pattern: /\b(npm_[A-Za-z0-9]{36})\b/g },
  { kind: 'npm token', certainty: 'certain', pattern: /_authToken\s*=\s*([A-Za-z0-9-]{30,})/g },
  { kind: 'PyPI token', certainty: 'certain', pattern: /\b(pypi-AgEIcHlwaS5vcmc[\w-]{50,})/g },
  { kind: 'RubyGems key', certainty: 'certain', pattern: /\b(rubygems_[0-9a-f]{48})\b/g },
  { kind: 'Docker Hub token', certainty: 'certain', pattern: /\b(dckr_pat_[\w-]{27})(?![\w-])/g },
  { kind: 'SendGrid key', certainty: 'certain', pattern: /\b(SG\.[\w-]{22}\.[\w-]{43})(?![\w-])/g },
  { kind: 'Mailgun key', certainty: 'likely', pattern: /\b(key-[0-9a-f]{32})\b/g },
  { kind: 'Twilio key', certainty: 'likely', pattern: /\b(SK[0-9a-f]{32})\b/g },
  { kind: 'Telegram bot token', certainty: 'certain', pattern: /\b(\d{8,10}:AA[\w-]{33})(?![\w-])/g },
  { kind: 'DigitalOcean token', certainty: 'certain', pattern: /\b(do[opr]_v1_[0-9a-f]{64})\b/g },
  { kind: 'Shopify token', certainty: 'certain', pattern: /\b(shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32})\b/g },
  { kind: 'Databricks token', certainty: 'certain', pattern: /\b(dapi[0-9a-f]{32})\b/g },
  { kind: 'HashiCorp Vault token', certainty: 'certain', pattern: /\b(hvs\.[\w-]{90,120})/g },
  { kind: 'Azure storage key', certainty: 'certain', pattern: /AccountKey=([A-Za-z0-9+/]{86}==)/g },
  { kind: 'private key', certainty: 'certain', isShort: true, pattern: /-----BEGIN (?:(?:RSA|EC|DSA|OPENSSH|ENCRYPTED|PGP) )?PRIVATE KEY(?: BLOCK)?-----(?:\\n|[\s"'+\\|>]){1,60}(?:[\w-]+: [^\n]{1,80}\s{1,4}){0,4}([A-Za-z0-9+/=]{30})/g },
  { kind: 'password in an address', certainty: 'likely', isShort: true, pattern: /\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s:@/"'`<>{}()[\]|\\$]{1,80}:([^\s:@/"'`<>{}()[\]|\\$]{3,120})@[\w[]/g },
  { kind: 'JSON Web Token', certainty: 'likely', pattern: /\b(eyJ[\w-]{15,}\.eyJ[\w-]{15,}\.[\w-]{20,})/g },
  { kind: 'assigned secret', certainty: 'likely', isShort: true, pattern: /(?:api_?key|secret|token|passw(?:or)?d|credential|private_?key|auth)[\w-]{0,20}["']?\s{0,5}(?:=>|:=|[:=])\s{0,5}["']([^\s"'`]{16,200})["']/gi },
]; // prettier-ignore

/** Three quick passes say whether any rule needs to be tried: three simple expressions are twice as fast as one of all. */
const HINTS = [
  /AKIA|ASIA|gh[pousr]_|github_pat_|gl(?:pat|ptt|dt|rt|cbt|soat)-|xox[abeoprs]-|xapp-|hooks\.slack|webhooks\/|[sr]k_live_|AIza|GOCSPX|sk-|hf_|npm_|_authToken|pypi-|rubygems_|dckr_pat|SG\.|key-[0-9a-f]|SK[0-9a-f]|:AA|do[opr]_v1|shp(?:at|ca|pa|ss)_|dapi|hvs\.|AccountKey|PRIVATE KEY|eyJ/,
  /:\/\/[^\s/@]{1,200}@/,
  /aws_?secret|(?:key|secret|token|passw(?:or)?d|credential|auth)[\w-]{0,20}["']?\s{0,5}(?:=>|:=|[:=])\s{0,5}["']/i,
];

const PLACEHOLDER =
  /example|dummy|placeholder|change[-_]?me|replace|your[-_]?|insert|xxxx|\*{3,}|\.\.\.|…|<[^>]*>|\$\{|\{\{|%[({sA-Z]|process\.env|test(ing)?[-_]?(key|token|secret|pass)|^(test|fake|sample|foo|bar|secret|password|passwd|pass|user|admin|root|postgres|mysql|guest|hunter2|xxx+|none|null|undefined|true|false)\d*$/i;

/** How many different characters a text has, set against its length. @param {string} text */
const isRepetitive = (text) => new Set(text).size < Math.min(8, text.length / 2);

/** Bits per character; random base64 has about 4.5 and more, words and names 3 to 3.8. @param {string} text */
const entropyOf = (text) => {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const char of text) counts.set(char, (counts.get(char) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
};

/** An assigned text is taken for a secret only if it looks random: digits among letters, no path, no words. @param {string} value */
const looksRandom = (value) =>
  /\d/.test(value) &&
  /[A-Za-z]/.test(value) &&
  !/[/\\ ]|^[\w-]+\.[\w.-]+$|[(){}[\]<>]|[a-z]{9}/.test(value) &&
  entropyOf(value) >= 3.7;

/** Hosts nobody reaches from elsewhere: this machine, a name without a dot (a container's), an example. @param {string} text from the match on */
const isLocalHost = (text) => /@(127\.|0\.0\.0\.0|\[?::1|[\w-]+(?![\w.-])|[\w.-]*example)/i.test(text);

/** @param {SecretRule} rule @param {string} value @param {string} around the match and a little after it */
const isReal = (rule, value, around) => {
  if (rule.kind === 'private key') return !isRepetitive(value);
  if (PLACEHOLDER.test(value)) return false;
  if (rule.kind === 'password in an address') return !isLocalHost(around) && !/^[A-Z_]+$/.test(value);
  return !isRepetitive(value) && (rule.kind !== 'assigned secret' || looksRandom(value));
};

const MAX_PER_FILE = 50;

/** @param {string} text @param {number} at */
const lineOf = (text, at) => {
  let line = 1;
  for (let from = text.indexOf('\n'); from >= 0 && from < at; from = text.indexOf('\n', from + 1)) line += 1;
  return line;
};

/**
 * The secrets in a text, each place once, in order.
 * @param {string} text
 * @returns {FoundSecret[]} at most 50
 */
export const findSecrets = (text) => {
  if (!HINTS.some((hint) => hint.test(text))) return [];
  /** @type {Map<number, FoundSecret>} by place in the text: the first rule that holds names it */
  const found = new Map();
  for (const rule of RULES) {
    for (const match of text.matchAll(rule.pattern)) {
      const value = match[1] ?? match[0];
      const at = match.index + match[0].indexOf(value);
      if (found.size >= MAX_PER_FILE) break;
      if (found.has(at) || !isReal(rule, value, text.slice(match.index, match.index + match[0].length + 30))) continue;
      const prefix = rule.isShort === true ? '' : value.slice(0, 4); // E1
      found.set(at, { kind: rule.kind, certainty: rule.certainty, line: lineOf(text, at), prefix });
    }
  }
  return [...found].sort((a, b) => a[0] - b[0]).map(([, secret]) => secret);
};
