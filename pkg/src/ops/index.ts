export * from './contract.js';
export * from './movement.js';
export * from './pointwise.js';
export * from './reduce.js';
