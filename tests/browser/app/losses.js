import * as tf from 'headwater';

/** A loss of the application's own, for its page and its worker. */
export const distance = (a, b) => tf.losses.absoluteDifference(a, b);
