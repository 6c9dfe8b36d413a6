const users = [
  { name: 'Mara', email: 'mara@harbour.example', password: 'anchor-2024' },
];

module.exports = {
  find(email) {
    return users.find((user) => user.email === email);
  },
  add(user) {
    users.push(user);
  },
};
