/** Owns where a repository comes from, as git's configuration says, without what lets one in. */
import { streamGit } from '../repository/git.mjs';
import { plainText } from '../repository/path-text.mjs';

const MAX_REMOTES = 5;

/**
 * An address without user, password, query and fragment.
 * @param {string} url
 */
export const withoutCredentials = (url) => {
  const bare = url.replace(/[?#].*$/s, '');
  const scheme = /^([a-z][a-z0-9+.-]*(?:::[a-z]+)?:\/\/)(.*)$/is.exec(bare);
  if (scheme !== null) {
    const rest = scheme[2] ?? '';
    const slash = rest.indexOf('/');
    const host = slash < 0 ? rest : rest.slice(0, slash);
    return `${scheme[1]}${host.slice(host.lastIndexOf('@') + 1)}${slash < 0 ? '' : rest.slice(slash)}`;
  }
  const scp = /^[^/\s]*@([^/\s@]+:.*)$/s.exec(bare);
  return scp?.[1] ?? bare;
};

/**
 * @param {string} root
 * @returns {Promise<{ name: string, url: string }[]>} `origin` first, at most five
 */
export const readRemotes = async (root) => {
  /** @type {{ name: string, url: string }[]} */
  const remotes = [];
  await streamGit({ cwd: root, args: ['config', '-z', '--get-regexp', String.raw`^remote\..*\.url$`] }, (record) => {
    const text = Buffer.from(record, 'latin1').toString('utf8');
    const cut = text.indexOf('\n');
    const name = text.slice('remote.'.length, cut - '.url'.length);
    if (cut > 0)
      remotes.push({ name: plainText(name, 60), url: plainText(withoutCredentials(text.slice(cut + 1)), 200) });
    return remotes.length < 100;
  });
  return remotes.sort((a, b) => Number(b.name === 'origin') - Number(a.name === 'origin')).slice(0, MAX_REMOTES);
};
