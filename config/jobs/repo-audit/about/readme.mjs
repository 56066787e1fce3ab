/** Owns what a README says first: its title and its first sentence or two. */
import { plainText } from '../repository/path-text.mjs';

const MAX_CHARS = 300;

/** Markdown and reStructuredText as plain words. @param {string} text */
const withoutMarkup = (text) =>
  text
    .replace(/!\[[^\]]*\](\([^)]*\)|\[[^\]]*\])/g, '')
    .replace(/\[([^\]]*)\](\([^)]*\)|\[[^\]]*\])/g, '$1')
    .replace(/<[^>]{0,500}>/g, ' ')
    .replace(/`{1,3}([^`]*)`{1,3}(_{0,2})/g, '$1')
    .replace(/(\*\*|__)(.*?)\1/g, '$2')
    .replace(/(^|\s)[*_](\S[^*_]*)[*_](?=\s|[.,;:!?]|$)/g, '$1$2')
    .replace(/&nbsp;|&amp;|&lt;|&gt;/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();

/** Neither badges, tables of contents, quotes, rules, lists nor directives are a description. @param {string} block */
const isProse = (block) =>
  !/^\s*([-*+|>]|\d+\.|\.\.|:\w+:|```|~~~|={3,}|-{3,}|\[!\[|!\[|\[[^\]]+\]:|#)/.test(block) &&
  /\p{L}.*\s.*\p{L}/u.test(withoutMarkup(block));

/** @param {string} text */
const cutAtSentence = (text) => {
  if (text.length <= MAX_CHARS) return text;
  const cut = text.slice(0, MAX_CHARS);
  const end = cut.lastIndexOf('. ');
  return end > MAX_CHARS / 3 ? cut.slice(0, end + 1) : `${cut.replace(/\s\S*$/, '')} …`;
};

/**
 * @param {string} text
 * @returns {{ title: string, summary: string }} either may be empty
 */
export const readReadme = (text) => {
  const body = text
    .slice(0, 64 * 1024)
    .replace(/^\ufeff/, '')
    .replaceAll('\r\n', '\n')
    .replace(/<!--[\s\S]*?-->/g, '')
    .replace(/^---\n[\s\S]*?\n---\n/, '');
  const heading =
    /^\s{0,3}#\s+(.+?)\s*#*\s*$/m.exec(body)?.[1] ??
    /^(\S.*)\n(={3,}|-{3,})\s*$/m.exec(body)?.[1] ??
    /<h1[^>]*>([\s\S]{1,300}?)<\/h1>/i.exec(body)?.[1] ??
    '';
  const blocks = body
    .replace(/^(\S.*)\n(={3,}|-{3,})\s*$/gm, '')
    .replace(/^\s*#.*$/gm, '\n')
    .split(/\n\s*\n/);
  const summary = blocks.find((block) => isProse(block)) ?? '';
  return {
    title: plainText(withoutMarkup(heading), 120),
    summary: plainText(cutAtSentence(withoutMarkup(summary)), MAX_CHARS + 2),
  };
};
