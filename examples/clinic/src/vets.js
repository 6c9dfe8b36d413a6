export const vets = [
  { id: 'noor', name: 'Noor Haddad', animals: ['Dogs', 'Cats'], away: false },
  { id: 'piet', name: 'Piet de Wit', animals: ['Horses'], away: true },
];
