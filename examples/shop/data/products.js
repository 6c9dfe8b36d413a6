module.exports = [
  { slug: 'storm-lantern', name: 'Storm lantern', category: 'light', price: 3450, stock: 12, text: 'Galvanised steel, burns for twenty hours on one filling.' },
  { slug: 'deck-lamp', name: 'Deck lamp', category: 'light', price: 5900, stock: 4, text: 'Warm white, splash-proof, twelve or twenty-four volts.' },
  { slug: 'mooring-line', name: 'Mooring line', category: 'rope', price: 2800, stock: 30, text: 'Twelve metres of braided polyester with a spliced eye.' },
  { slug: 'heaving-line', name: 'Heaving line', category: 'rope', price: 1650, stock: 9, text: 'Floats, and is easy to see at night.' },
  { slug: 'brass-cleat', name: 'Brass cleat', category: 'fittings', price: 1990, stock: 0, text: 'Solid brass, two screws, polished by hand.' },
];
