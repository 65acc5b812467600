// A layer, a loss and a data set, for the page and for its worker.
export default function custom(tf) {
  class Twice extends tf.layers.Layer {
    static className = 'Twice';
    build() {
      this.scale = this.addWeight('scale', [], 'float32', tf.initializers.constant({ value: 2 }));
      this.built = true;
    }
    call(inputs) {
      return (Array.isArray(inputs) ? inputs[0] : inputs).mul(this.scale.read());
    }
  }
  tf.serialization.registerClass(Twice);
  /** Adds how often it was called. */
  class Counting extends tf.layers.Layer {
    static className = 'Counting';
    count = 0;
    call(inputs) {
      return (Array.isArray(inputs) ? inputs[0] : inputs).add(this.count++ / 8);
    }
    getState() {
      return { count: this.count };
    }
    setState({ count }) {
      this.count = count;
    }
  }
  tf.serialization.registerClass(Counting);
  return {
    Twice,
    Counting,
    distance: (a, b) => tf.losses.absoluteDifference(a, b),
    batches: (_, n, seed) => tf.data.array(Array.from({ length: 4 * n }, (_, i) => ({ xs: [i, seed, 1], ys: [i / n] }))).batch(4),
  };
}
