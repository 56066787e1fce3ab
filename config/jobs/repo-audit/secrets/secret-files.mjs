/** Owns which files are secret by their name, wherever their contents are read or not. */
import { baseName } from '../repository/path-text.mjs';

/** @type {readonly (readonly [RegExp, string])[]} */
const NAMES = [
  [
    /^\.env(\.(local|prod|production|dev|development|staging|live|secret|secrets))?(\.local)?$|^[\w-]+\.env$/i,
    'environment file',
  ],
  [/^id_(rsa|dsa|ecdsa|ed25519)$/i, 'SSH private key'],
  [/\.(p12|pfx|jks|keystore|kdbx|ppk)$/i, 'key store'],
  [/^\.(netrc|git-credentials|pgpass|htpasswd)$|^_netrc$/i, 'credentials file'],
  [/\.tfstate(\.backup)?$/i, 'Terraform state'],
  [/^(kubeconfig|\.dockercfg)$/i, 'credentials file'],
  [/^(service[-_]?account|client_secret|credentials|gcp[-_]?key|firebase-adminsdk).*\.json$/i, 'credentials file'],
];

/** What `.env` files are kept as when they are meant to be shared. */
const SHARED = /(example|sample|template|dist|defaults?|schema|test|ci|vault)/i;

/**
 * What kind of secret a file of this name holds, if it usually holds one.
 * @param {string} path
 * @returns {string | undefined}
 */
export const secretFileKind = (path) => {
  const name = baseName(path);
  if (SHARED.test(name)) return undefined;
  return NAMES.find(([pattern]) => pattern.test(name))?.[1];
};

/** Pathspecs of the same files for `git log`. */
export const SECRET_PATHSPECS = [
  '.env', '*/.env', '.env.local', '*/.env.local', '.env.production', '*/.env.production', '*.p12', '*.pfx', '*.jks', '*.keystore', '*.ppk',
  '*.tfstate', '.netrc', '*/.netrc', '.git-credentials', '*/.git-credentials', 'id_rsa', '*/id_rsa', 'id_ed25519', '*/id_ed25519', 'credentials.json', '*/credentials.json',
]; // prettier-ignore

/**
 * Variables of an environment file that have a value worth hiding; names only, and how many.
 * @param {string} text
 */
export const countValues = (text) =>
  (text.match(/^\s*(export\s+)?[A-Za-z_]\w*\s*=\s*["']?[^\s"'#]{4,}/gm) ?? []).length;
