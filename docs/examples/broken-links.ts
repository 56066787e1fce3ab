/** The module of the job broken-links: links between Markdown files that lead nowhere. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { PodApi } from 'nika';

const LINK = /\]\((?![a-z][a-z0-9+.-]*:|#)([^)#\s]+)/gi;

/** What a page links to inside its folder, without anchors. */
const readLinks = ({ page }: { page: string }): string[] =>
  Array.from(readFileSync(page, 'utf8').matchAll(LINK), ([, target = '']) => decodeURI(target));

const followLinks = ({ page, targets }: { page: string; targets: string[] }): string[] =>
  targets.filter((target) => !existsSync(join(dirname(page), target)));

export const run = async (pod: PodApi, inputs: { pages: string }) => {
  const tools = pod.tools({ read_links: readLinks, follow_links: followLinks });
  const pages = globSync(inputs.pages, { exclude: ['**/node_modules/**'] });
  const broken: Record<string, string[]> = {};
  await pod.task('links', async () => {
    for (const page of pages) {
      pod.signal.throwIfAborted(); // "nika pod stop", Ctrl-C, a time limit
      const targets = await tools.read_links({ page });
      const nowhere = targets.length === 0 ? [] : await tools.follow_links({ page, targets });
      if (nowhere.length > 0) broken[page] = nowhere;
    }
  });
  pod.result({ pages: pages.length, broken });
  const count = Object.keys(broken).length;
  if (count > 0) throw new Error(`${count} of ${pages.length} pages have links that lead nowhere`);
};
