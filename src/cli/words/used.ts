/** Owns how people are told what was used of models: tokens, and what they cost as far as that is known. */
import { countText, usdText } from '../../pod/budget/words.ts';

export { countText, usdText } from '../../pod/budget/words.ts';

/** `12.3k tok`; empty: none. */
export const tokensText = (tokens: number): string => (tokens === 0 ? '' : `${countText(tokens)} tok`);

/** `$0.04`; `≥ $0.04` where some tokens have no price; empty where nothing is known, which is not zero. */
export const costText = (costUsd: number, unpricedTokens: number): string => {
  if (unpricedTokens === 0) return usdText(costUsd);
  return costUsd === 0 ? '' : `≥ ${usdText(costUsd)}`;
};

/** `12.3k tok  $0.04`; empty: nothing was used. */
export const usedText = (tokens: number, costUsd: number, unpricedTokens: number): string => {
  if (tokens === 0 && costUsd === 0) return '';
  return [tokensText(tokens), costText(costUsd, unpricedTokens)].filter((text) => text !== '').join('  ');
};
