export const books = [
  { id: 'tides', title: 'A year of tides', author: 'Ines Falk', shelf: 'Nature', out: false },
  { id: 'bread', title: 'Bread without hurry', author: 'Tom Abel', shelf: 'Kitchen', out: true },
  { id: 'owls', title: 'Owls at the mill', author: 'Ines Falk', shelf: 'Nature', out: false },
];
