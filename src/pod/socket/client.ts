export interface PodClient extends AsyncDisposable {
  [k: string]: any;
}
export const connect = (_o: any): Promise<PodClient> => Promise.reject(new Error('stub'));
export const connectOver = (_s: any, _o: any): Promise<PodClient> => Promise.reject(new Error('stub'));
