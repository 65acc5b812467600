/** A module of Node by its name without `node:`, asked for in a way that leaves bundlers of pages in peace. */
export const nodeModule = <M>(name: string): Promise<M> => import(/* webpackIgnore: true */ /* @vite-ignore */ `node:${name}`) as Promise<M>;
