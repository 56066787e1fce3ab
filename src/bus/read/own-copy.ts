/** Owns cutting a text loose from the larger one that it is a part of: kept long, it would keep all of that in memory. */
export const ownCopy = (text: string): string => Buffer.from(text, 'utf8').toString('utf8');
